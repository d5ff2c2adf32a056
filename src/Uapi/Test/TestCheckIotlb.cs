using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Compares a cached entry.</summary>
/// <remarks><c>struct iommu_test_cmd.check_iotlb</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestCheckIotlb
{
    /// <summary><c>id</c></summary>
    internal uint Id;

    /// <summary><c>iotlb</c></summary>
    internal uint Iotlb;
}
