using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What HWPT_ALLOC is told about a mock domain.</summary>
/// <remarks><c>struct iommu_hwpt_selftest</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12 and 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestNestedHwpt
{
    /// <summary><c>iotlb</c>: what the cached entries begin with.</summary>
    internal uint Iotlb;

    /// <summary><c>pagetable_type</c>: what table a paging domain has; not in 6.12.</summary>
    internal uint PagetableType;
}
