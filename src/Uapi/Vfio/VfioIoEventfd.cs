using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A write to a region that an eventfd makes.</summary>
/// <remarks><c>struct vfio_device_ioeventfd</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioIoEventfd
{
    /// <summary><c>argsz</c></summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>offset</c></summary>
    internal ulong Offset;

    /// <summary><c>data</c></summary>
    internal ulong Data;

    /// <summary><c>fd</c></summary>
    internal int Fd;

    /// <summary><c>reserved</c></summary>
    internal uint Reserved;
}
