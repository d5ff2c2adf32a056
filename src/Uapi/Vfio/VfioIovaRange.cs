using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One range of iovas that can be mapped.</summary>
/// <remarks><c>struct vfio_iova_range</c> (include/uapi/linux/vfio.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioIovaRange
{
    /// <summary><c>start</c></summary>
    internal ulong Start;

    /// <summary><c>end</c>: the last address, inclusive.</summary>
    internal ulong End;
}
