using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Turns the marking of written pages on or off, or reads it: then a <see cref="VfioDirtyBitmapGet"/> follows.</summary>
/// <remarks><c>struct vfio_iommu_type1_dirty_bitmap</c>, the argument of VFIO_IOMMU_DIRTY_PAGES (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDirtyBitmap
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;
}
