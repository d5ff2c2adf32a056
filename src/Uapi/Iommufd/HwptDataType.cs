namespace FastIova;

/// <summary>What HWPT_ALLOC is told about a table (<c>enum iommu_hwpt_data_type</c>).</summary>
internal enum HwptDataType : uint
{
    /// <summary><c>IOMMU_HWPT_DATA_NONE</c></summary>
    None = 0,

    /// <summary><c>IOMMU_HWPT_DATA_VTD_S1</c>: a first-stage table of Intel VT-d.</summary>
    VtdS1 = 1,

    /// <summary><c>IOMMU_HWPT_DATA_ARM_SMMUV3</c>: a context table of an Arm SMMUv3.</summary>
    ArmSmmuv3 = 2,

    /// <summary><c>IOMMU_HWPT_DATA_SELFTEST</c>: the mock IOMMU of the kernel&apos;s tests.</summary>
    Selftest = 0xdead,
}
