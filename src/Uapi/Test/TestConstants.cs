namespace FastIova;

/// <summary>The numbers of the mock hardware (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</summary>
internal static class TestConstants
{
    /// <summary><c>MOCK_APERTURE_START</c></summary>
    internal const ulong ApertureFirst = 1UL << 24;

    /// <summary><c>MOCK_APERTURE_LAST</c>, inclusive.</summary>
    internal const ulong ApertureLast = (1UL << 31) - 1;

    /// <summary><c>MOCK_IO_PAGE_SIZE</c>: half of a page of the host.</summary>
    internal const ulong MockPageBytes = 2048;

    /// <summary>The bytes of <c>struct iommu_hwpt_selftest</c> in 6.12.</summary>
    internal const int NestedHwptSmallestBytes = sizeof(uint);

    /// <summary><c>MOCK_IOMMUPT_DEFAULT</c></summary>
    internal const uint TableDefault = 0;

    /// <summary><c>MOCK_IOMMUPT_HUGE</c></summary>
    internal const uint TableHuge = 1;

    /// <summary><c>MOCK_FLAGS_ACCESS_WRITE</c>: the pin wants to write.</summary>
    internal const uint AccessWrite = 1 << 0;

    /// <summary><c>MOCK_FLAGS_ACCESS_SYZ</c>: the iova is an area and an offset.</summary>
    internal const uint AccessSyz = 1 << 16;

    /// <summary><c>MOCK_ACCESS_RW_WRITE</c></summary>
    internal const uint RwWrite = 1 << 0;

    /// <summary><c>MOCK_ACCESS_RW_SLOW_PATH</c></summary>
    internal const uint RwSlowPath = 1 << 2;

    /// <summary><c>MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES</c></summary>
    internal const uint AccessNeedsPinPages = 1 << 0;

    /// <summary><c>MOCK_FLAGS_DEVICE_NO_DIRTY</c></summary>
    internal const uint DeviceNoDirty = 1 << 0;

    /// <summary><c>MOCK_FLAGS_DEVICE_HUGE_IOVA</c>; only in 6.12.</summary>
    internal const uint DeviceHugeIova = 1 << 1;

    /// <summary><c>MOCK_FLAGS_DEVICE_PASID</c>; since 6.15.</summary>
    internal const uint DevicePasid = 1 << 2;

    /// <summary><c>MOCK_NESTED_DOMAIN_IOTLB_NUM</c></summary>
    internal const int IotlbEntries = 4;

    /// <summary><c>IOMMU_TEST_IOTLB_DEFAULT</c></summary>
    internal const uint IotlbDefault = 0xbadbeef;

    /// <summary><c>IOMMU_HW_INFO_SELFTEST_REGVAL</c></summary>
    internal const uint HwInfoRegister = 0xdeadbeef;

    /// <summary><c>IOMMU_HWPT_INVALIDATE_DATA_SELFTEST</c></summary>
    internal const uint InvalidateDataType = 0xdeadbeef;

    /// <summary><c>IOMMU_TEST_INVALIDATE_FLAG_ALL</c></summary>
    internal const uint InvalidateAll = 1 << 0;

    /// <summary><c>MOCK_PASID_WIDTH</c></summary>
    internal const int PasidLog2 = 20;

    /// <summary>A PASID that mock hardware refuses every second time that it is attached without being detached between.</summary>
    internal const uint MagicPasid = 1024;

    /// <summary><c>MOCK_DEV_CACHE_NUM</c></summary>
    internal const int DeviceCacheEntries = 4;

    /// <summary><c>IOMMU_TEST_DEV_CACHE_DEFAULT</c></summary>
    internal const uint DeviceCacheDefault = 0xbaddad;

    /// <summary><c>IOMMU_VIOMMU_TYPE_SELFTEST</c></summary>
    internal const uint ViommuType = 0xdeadbeef;

    /// <summary><c>IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST</c></summary>
    internal const uint ViommuInvalidateDataType = 0xdeadbeef;

    /// <summary><c>IOMMU_VEVENTQ_TYPE_SELFTEST</c></summary>
    internal const uint VeventqType = 0xbeefbeef;

    /// <summary><c>IOMMU_HW_QUEUE_TYPE_SELFTEST</c></summary>
    internal const uint HwQueueType = 0xdeadbeef;

    /// <summary><c>IOMMU_TEST_HW_QUEUE_MAX</c></summary>
    internal const int HwQueues = 2;
}
