using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One invalidation of a nested mock domain.</summary>
/// <remarks><c>struct iommu_hwpt_invalidate_selftest</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestInvalidate
{
    /// <summary><c>flags</c>: 1 for all entries.</summary>
    internal uint Flags;

    /// <summary><c>iotlb_id</c>: which entry.</summary>
    internal uint IotlbId;
}
