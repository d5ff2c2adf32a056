using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Reserves iovas.</summary>
/// <remarks><c>struct iommu_test_cmd.add_reserved</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestAddReserved
{
    /// <summary><c>start</c></summary>
    internal ulong Start;

    /// <summary><c>length</c></summary>
    internal ulong Length;
}
