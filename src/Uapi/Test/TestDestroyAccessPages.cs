using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Gives pins back.</summary>
/// <remarks><c>struct iommu_test_cmd.destroy_access_pages</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestDestroyAccessPages
{
    /// <summary><c>access_pages_id</c></summary>
    internal uint AccessPagesId;
}
