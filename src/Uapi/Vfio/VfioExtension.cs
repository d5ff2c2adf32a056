namespace FastIova;

/// <summary>What VFIO_CHECK_EXTENSION and VFIO_SET_IOMMU name.</summary>
internal enum VfioExtension : ulong
{
    /// <summary><c>VFIO_TYPE1_IOMMU</c></summary>
    Type1 = 1,

    /// <summary><c>VFIO_SPAPR_TCE_IOMMU</c></summary>
    SpaprTce = 2,

    /// <summary><c>VFIO_TYPE1v2_IOMMU</c></summary>
    Type1V2 = 3,

    /// <summary><c>VFIO_DMA_CC_IOMMU</c>: the IOMMU enforces coherency.</summary>
    DmaCc = 4,

    /// <summary><c>VFIO_EEH</c></summary>
    Eeh = 5,

    /// <summary><c>VFIO_TYPE1_NESTING_IOMMU</c>: obsolete.</summary>
    Type1Nesting = 6,

    /// <summary><c>VFIO_SPAPR_TCE_v2_IOMMU</c></summary>
    SpaprTceV2 = 7,

    /// <summary><c>VFIO_NOIOMMU_IOMMU</c></summary>
    NoIommu = 8,

    /// <summary><c>VFIO_UNMAP_ALL</c></summary>
    UnmapAll = 9,

    /// <summary><c>VFIO_UPDATE_VADDR</c></summary>
    UpdateVaddr = 10,
}
