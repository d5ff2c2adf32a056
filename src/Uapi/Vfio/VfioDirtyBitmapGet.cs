using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Which written pages are asked for.</summary>
/// <remarks><c>struct vfio_iommu_type1_dirty_bitmap_get</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDirtyBitmapGet
{
    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>size</c></summary>
    internal ulong Bytes;

    /// <summary><c>bitmap</c></summary>
    internal VfioBitmap Bitmap;
}
