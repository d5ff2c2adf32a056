namespace FastIova;

/// <summary>The ioctls of a VFIO container and of a group (include/uapi/linux/vfio.h): the same type byte as iommufd, lower numbers. A device has <see cref="VfioDeviceRequest"/>.</summary>
internal enum VfioRequest : uint
{
    /// <summary><c>VFIO_GET_API_VERSION</c></summary>
    GetApiVersion = 0x3b64,

    /// <summary><c>VFIO_CHECK_EXTENSION</c></summary>
    CheckExtension = 0x3b65,

    /// <summary><c>VFIO_SET_IOMMU</c></summary>
    SetIommu = 0x3b66,

    /// <summary><c>VFIO_GROUP_GET_STATUS</c></summary>
    GroupGetStatus = 0x3b67,

    /// <summary><c>VFIO_GROUP_SET_CONTAINER</c></summary>
    GroupSetContainer = 0x3b68,

    /// <summary><c>VFIO_GROUP_UNSET_CONTAINER</c></summary>
    GroupUnsetContainer = 0x3b69,

    /// <summary><c>VFIO_GROUP_GET_DEVICE_FD</c></summary>
    GroupGetDeviceFd = 0x3b6a,

    /// <summary><c>VFIO_IOMMU_GET_INFO</c></summary>
    IommuGetInfo = 0x3b70,

    /// <summary><c>VFIO_IOMMU_MAP_DMA</c></summary>
    IommuMapDma = 0x3b71,

    /// <summary><c>VFIO_IOMMU_UNMAP_DMA</c></summary>
    IommuUnmapDma = 0x3b72,

    /// <summary><c>VFIO_IOMMU_DIRTY_PAGES</c></summary>
    IommuDirtyPages = 0x3b75,
}
