namespace FastIova;

/// <summary>The ioctls of <c>/dev/iommu</c>: all are <c>_IO(';', number)</c>, so that the type is 0x3b and size and direction are zero.</summary>
internal enum IommufdRequest : uint
{
    /// <summary><c>IOMMU_DESTROY</c></summary>
    Destroy = 0x3b80,

    /// <summary><c>IOMMU_IOAS_ALLOC</c></summary>
    IoasAlloc = 0x3b81,

    /// <summary><c>IOMMU_IOAS_ALLOW_IOVAS</c></summary>
    IoasAllowIovas = 0x3b82,

    /// <summary><c>IOMMU_IOAS_COPY</c></summary>
    IoasCopy = 0x3b83,

    /// <summary><c>IOMMU_IOAS_IOVA_RANGES</c></summary>
    IoasIovaRanges = 0x3b84,

    /// <summary><c>IOMMU_IOAS_MAP</c></summary>
    IoasMap = 0x3b85,

    /// <summary><c>IOMMU_IOAS_UNMAP</c></summary>
    IoasUnmap = 0x3b86,

    /// <summary><c>IOMMU_OPTION</c></summary>
    Option = 0x3b87,

    /// <summary><c>IOMMU_VFIO_IOAS</c></summary>
    VfioIoas = 0x3b88,

    /// <summary><c>IOMMU_HWPT_ALLOC</c></summary>
    HwptAlloc = 0x3b89,

    /// <summary><c>IOMMU_GET_HW_INFO</c></summary>
    GetHwInfo = 0x3b8a,

    /// <summary><c>IOMMU_HWPT_SET_DIRTY_TRACKING</c></summary>
    HwptSetDirtyTracking = 0x3b8b,

    /// <summary><c>IOMMU_HWPT_GET_DIRTY_BITMAP</c></summary>
    HwptGetDirtyBitmap = 0x3b8c,

    /// <summary><c>IOMMU_HWPT_INVALIDATE</c></summary>
    HwptInvalidate = 0x3b8d,

    /// <summary><c>IOMMU_FAULT_QUEUE_ALLOC</c></summary>
    FaultQueueAlloc = 0x3b8e,

    /// <summary><c>IOMMU_IOAS_MAP_FILE</c>; since 6.13.</summary>
    IoasMapFile = 0x3b8f,

    /// <summary><c>IOMMU_VIOMMU_ALLOC</c>; since 6.13.</summary>
    ViommuAlloc = 0x3b90,

    /// <summary><c>IOMMU_VDEVICE_ALLOC</c>; since 6.13.</summary>
    VdeviceAlloc = 0x3b91,

    /// <summary><c>IOMMU_IOAS_CHANGE_PROCESS</c>; since 6.14.</summary>
    IoasChangeProcess = 0x3b92,

    /// <summary><c>IOMMU_VEVENTQ_ALLOC</c>; since 6.15.</summary>
    VeventqAlloc = 0x3b93,

    /// <summary><c>IOMMU_HW_QUEUE_ALLOC</c>; since 6.17.</summary>
    HwQueueAlloc = 0x3b94,

    /// <summary><c>IOMMU_IOAS_NOIOMMU_GET_PA</c>; since 7.3.</summary>
    NoIommuGetPa = 0x3b95,

    /// <summary><c>IOMMU_TEST_CMD</c></summary>
    TestCmd = 0x3ba0,
}
