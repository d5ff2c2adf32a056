using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Compares what a PASID of a mock device is attached to.</summary>
/// <remarks><c>struct iommu_test_cmd::pasid_check</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestPasidCheck
{
    /// <summary><c>pasid</c>: which address space of the device.</summary>
    internal uint Pasid;

    /// <summary><c>hwpt_id</c>: the hwpt, or zero for none.</summary>
    internal uint HwptId;
}
