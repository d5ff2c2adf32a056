using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What every capability in a chain begins with.</summary>
/// <remarks><c>struct vfio_info_cap_header</c> (include/uapi/linux/vfio.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioCapHeader
{
    /// <summary><c>id</c></summary>
    internal ushort Id;

    /// <summary><c>version</c></summary>
    internal ushort Version;

    /// <summary><c>next</c>: the offset of the next one from the start of the argument; zero for none.</summary>
    internal uint Next;
}
