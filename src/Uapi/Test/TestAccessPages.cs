using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Pins pages.</summary>
/// <remarks><c>struct iommu_test_cmd.access_pages</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestAccessPages
{
    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>out_access_pages_id</c></summary>
    internal uint OutAccessPagesId;

    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>length</c></summary>
    internal ulong Length;

    /// <summary><c>uptr</c></summary>
    internal ulong Uptr;
}
