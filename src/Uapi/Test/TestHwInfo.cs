using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What the mock IOMMU tells of itself.</summary>
/// <remarks><c>struct iommu_test_hw_info</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestHwInfo
{
    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>test_reg</c>: 0xdeadbeef.</summary>
    internal uint TestReg;
}
