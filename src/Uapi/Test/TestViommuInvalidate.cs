using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One invalidation through a mock virtual IOMMU.</summary>
/// <remarks><c>struct iommu_viommu_invalidate_selftest</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestViommuInvalidate
{
    /// <summary><c>flags</c>: 1 for all entries.</summary>
    internal uint Flags;

    /// <summary><c>vdev_id</c>: the device, as the guest calls it.</summary>
    internal uint VdevId;

    /// <summary><c>cache_id</c>: which entry.</summary>
    internal uint CacheId;
}
