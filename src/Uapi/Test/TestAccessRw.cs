using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Reads or writes.</summary>
/// <remarks><c>struct iommu_test_cmd.access_rw</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestAccessRw
{
    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>length</c></summary>
    internal ulong Length;

    /// <summary><c>uptr</c></summary>
    internal ulong Uptr;

    /// <summary><c>flags</c></summary>
    internal uint Flags;
}
