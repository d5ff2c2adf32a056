using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>How written pages are told.</summary>
/// <remarks><c>struct vfio_iommu_type1_info_cap_migration</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioCapMigration
{
    /// <summary><c>header</c></summary>
    internal VfioCapHeader Header;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary>The bytes that the compiler leaves out.</summary>
    internal uint Padding;

    /// <summary><c>pgsize_bitmap</c>: what a bit of a bitmap may stand for.</summary>
    internal ulong PgSizeBitmap;

    /// <summary><c>max_dirty_bitmap_size</c>: the bytes of the longest bitmap.</summary>
    internal ulong MaxDirtyBitmapSize;
}
