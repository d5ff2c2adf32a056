using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Marks pages dirty.</summary>
/// <remarks><c>struct iommu_test_cmd.dirty</c> (drivers/iommu/iommufd/iommufd_test.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct TestDirty
{
    /// <summary><c>flags</c>: unused.</summary>
    internal uint Flags;

    /// <summary>What aligns the next field.</summary>
    internal uint Padding;

    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>length</c></summary>
    internal ulong Length;

    /// <summary><c>page_size</c></summary>
    internal ulong PageSize;

    /// <summary><c>uptr</c>: a bitmap.</summary>
    internal ulong Uptr;

    /// <summary><c>out_nr_dirty</c>: the pages that were mapped.</summary>
    internal ulong OutNrDirty;
}
