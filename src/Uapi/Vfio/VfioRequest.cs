namespace FastIova;

/// <summary>The ioctls of a VFIO container (include/uapi/linux/vfio.h): the same type byte as iommufd, lower numbers.</summary>
internal enum VfioRequest : uint
{
    /// <summary><c>VFIO_GET_API_VERSION</c></summary>
    GetApiVersion = 0x3b64,

    /// <summary><c>VFIO_CHECK_EXTENSION</c></summary>
    CheckExtension = 0x3b65,

    /// <summary><c>VFIO_SET_IOMMU</c></summary>
    SetIommu = 0x3b66,

    /// <summary><c>VFIO_IOMMU_GET_INFO</c></summary>
    IommuGetInfo = 0x3b70,

    /// <summary><c>VFIO_IOMMU_MAP_DMA</c></summary>
    IommuMapDma = 0x3b71,

    /// <summary><c>VFIO_IOMMU_UNMAP_DMA</c></summary>
    IommuUnmapDma = 0x3b72,

    /// <summary><c>VFIO_IOMMU_DIRTY_PAGES</c></summary>
    IommuDirtyPages = 0x3b75,
}
