using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Limits scratch memory.</summary>
/// <remarks><c>struct iommu_test_cmd.memory_limit</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestMemoryLimit
{
    /// <summary><c>limit</c>: bytes.</summary>
    internal uint Limit;
}
