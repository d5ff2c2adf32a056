using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The state of a group.</summary>
/// <remarks><c>struct vfio_group_status</c>, the argument of VFIO_GROUP_GET_STATUS (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioGroupStatus
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;
}
