using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Compares an entry of the cache of a mock device.</summary>
/// <remarks><c>struct iommu_test_cmd::check_dev_cache</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestCheckDevCache
{
    /// <summary><c>id</c>: which entry.</summary>
    internal uint Id;

    /// <summary><c>cache</c>: what it shall be.</summary>
    internal uint Cache;
}
