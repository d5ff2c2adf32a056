using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Attaches an access elsewhere.</summary>
/// <remarks><c>struct iommu_test_cmd.access_replace_ioas</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestAccessReplaceIoas
{
    /// <summary><c>ioas_id</c></summary>
    internal uint IoasId;
}
