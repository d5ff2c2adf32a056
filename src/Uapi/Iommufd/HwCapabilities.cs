namespace FastIova;

/// <summary>What an IOMMU can do for a device (<c>enum iommufd_hw_capabilities</c>).</summary>
[Flags]
internal enum HwCapabilities : ulong
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary><c>IOMMU_HW_CAP_DIRTY_TRACKING</c></summary>
    DirtyTracking = 1 << 0,

    /// <summary><c>IOMMU_HW_CAP_PCI_PASID_EXEC</c></summary>
    PciPasidExec = 1 << 1,

    /// <summary><c>IOMMU_HW_CAP_PCI_PASID_PRIV</c></summary>
    PciPasidPriv = 1 << 2,

    /// <summary><c>IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED</c>; since 7.x.</summary>
    PciAtsNotSupported = 1 << 3,
}
