using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Attaches a PASID of a mock device, here or elsewhere.</summary>
/// <remarks><c>struct iommu_test_cmd::pasid_attach, pasid_replace</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestPasidAttach
{
    /// <summary><c>pasid</c>: which address space of the device.</summary>
    internal uint Pasid;

    /// <summary><c>pt_id</c>: the ioas or hwpt.</summary>
    internal uint PtId;
}
