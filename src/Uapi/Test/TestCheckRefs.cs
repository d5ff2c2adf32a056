using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Compares pins.</summary>
/// <remarks><c>struct iommu_test_cmd.check_refs</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestCheckRefs
{
    /// <summary><c>length</c></summary>
    internal ulong Length;

    /// <summary><c>uptr</c></summary>
    internal ulong Uptr;

    /// <summary><c>refs</c></summary>
    internal uint Refs;
}
