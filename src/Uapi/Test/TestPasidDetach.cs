using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Detaches a PASID of a mock device.</summary>
/// <remarks><c>struct iommu_test_cmd::pasid_detach</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestPasidDetach
{
    /// <summary><c>pasid</c>: which address space of the device.</summary>
    internal uint Pasid;
}
