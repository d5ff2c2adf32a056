using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A bitmap in the memory of a caller, with a bit for each page.</summary>
/// <remarks><c>struct vfio_bitmap</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioBitmap
{
    /// <summary><c>pgsize</c>: what one bit stands for.</summary>
    internal ulong PgSize;

    /// <summary><c>size</c>: the bytes of the bitmap.</summary>
    internal ulong Bytes;

    /// <summary><c>data</c>: where it lies.</summary>
    internal ulong Data;
}
