namespace FastIova;

/// <summary>Whose information GET_HW_INFO returns (<c>enum iommu_hw_info_type</c>).</summary>
internal enum HwInfoType : uint
{
    /// <summary><c>IOMMU_HW_INFO_TYPE_NONE</c></summary>
    None = 0,

    /// <summary><c>IOMMU_HW_INFO_TYPE_INTEL_VTD</c></summary>
    IntelVtd = 1,

    /// <summary><c>IOMMU_HW_INFO_TYPE_ARM_SMMUV3</c></summary>
    ArmSmmuv3 = 2,

    /// <summary><c>IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV</c>; since 6.17.</summary>
    Tegra241Cmdqv = 3,

    /// <summary><c>IOMMU_HW_INFO_TYPE_AMD</c>; since 7.0.</summary>
    Amd = 4,

    /// <summary><c>IOMMU_HW_INFO_TYPE_SELFTEST</c></summary>
    Selftest = 0xfeedbeef,
}
