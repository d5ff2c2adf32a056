namespace FastIova;

/// <summary>The flags of HWPT_ALLOC (<c>enum iommufd_hwpt_alloc_flags</c>).</summary>
[Flags]
internal enum HwptAllocFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary><c>IOMMU_HWPT_ALLOC_NEST_PARENT</c>: nested ones may be made on it.</summary>
    NestParent = 1 << 0,

    /// <summary><c>IOMMU_HWPT_ALLOC_DIRTY_TRACKING</c>: only devices that can mark dirty pages attach.</summary>
    DirtyTracking = 1 << 1,

    /// <summary><c>IOMMU_HWPT_FAULT_ID_VALID</c>: page faults go to a fault queue.</summary>
    FaultIdValid = 1 << 2,

    /// <summary><c>IOMMU_HWPT_ALLOC_PASID</c>: for devices with process address spaces; since 6.15.</summary>
    Pasid = 1 << 3,
}
