using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes a mock device. <c>mock_domain_flags</c> is the same, with flags.</summary>
/// <remarks><c>struct iommu_test_cmd.mock_domain</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestMockDomain
{
    /// <summary><c>out_stdev_id</c>: destroy it to end the device.</summary>
    internal uint OutStdevId;

    /// <summary><c>out_hwpt_id</c>: what it was attached to.</summary>
    internal uint OutHwptId;

    /// <summary><c>out_idev_id</c>: the bound device.</summary>
    internal uint OutIdevId;

    /// <summary><c>dev_flags</c>: of <see cref="TestOp.MockDomainFlags"/> only.</summary>
    internal uint DevFlags;
}
