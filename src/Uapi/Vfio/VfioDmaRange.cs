using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A range of a region.</summary>
/// <remarks><c>struct vfio_region_dma_range</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaRange
{
    /// <summary><c>offset</c></summary>
    internal ulong Offset;

    /// <summary><c>length</c></summary>
    internal ulong Length;
}
