using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Attaches a mock device elsewhere.</summary>
/// <remarks><c>struct iommu_test_cmd.mock_domain_replace</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestMockDomainReplace
{
    /// <summary><c>pt_id</c>: in and out.</summary>
    internal uint PtId;
}
