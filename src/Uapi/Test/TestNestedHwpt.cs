using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What HWPT_ALLOC is told about a nested mock domain.</summary>
/// <remarks><c>struct iommu_hwpt_selftest</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestNestedHwpt
{
    /// <summary><c>iotlb</c>: what the cached entries begin with.</summary>
    internal uint Iotlb;
}
