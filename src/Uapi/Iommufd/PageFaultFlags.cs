namespace FastIova;

/// <summary>The flags of a page fault (<c>enum iommu_hwpt_pgfault_flags</c>).</summary>
[Flags]
internal enum PageFaultFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary><c>IOMMU_PGFAULT_FLAGS_PASID_VALID</c></summary>
    PasidValid = 1 << 0,

    /// <summary><c>IOMMU_PGFAULT_FLAGS_LAST_PAGE</c>: the last of its group.</summary>
    LastPage = 1 << 1,
}
