using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Lets a mock device tell its virtual IOMMU something.</summary>
/// <remarks><c>struct iommu_test_cmd::trigger_vevent</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestTriggerVevent
{
    /// <summary><c>dev_id</c>: the bound device.</summary>
    internal uint DevId;
}
