using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>How much there is to read before the device is stopped.</summary>
/// <remarks><c>struct vfio_precopy_info</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioPrecopyInfo
{
    /// <summary><c>argsz</c></summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>initial_bytes</c></summary>
    internal ulong InitialBytes;

    /// <summary><c>dirty_bytes</c></summary>
    internal ulong DirtyBytes;
}
