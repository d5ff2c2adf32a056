using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Compares a domain with memory.</summary>
/// <remarks><c>struct iommu_test_cmd.check_map</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestCheckMap
{
    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>length</c></summary>
    internal ulong Length;

    /// <summary><c>uptr</c></summary>
    internal ulong Uptr;
}
