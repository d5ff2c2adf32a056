using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One region of a device.</summary>
/// <remarks><c>struct vfio_region_info</c>, the argument of VFIO_DEVICE_GET_REGION_INFO (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioRegionInfo
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>index</c></summary>
    internal uint Index;

    /// <summary><c>cap_offset</c></summary>
    internal uint CapOffset;

    /// <summary><c>size</c></summary>
    internal ulong Bytes;

    /// <summary><c>offset</c>: of the region in the file.</summary>
    internal ulong Offset;
}
