using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One device that a hot reset affects.</summary>
/// <remarks><c>struct vfio_pci_dependent_device</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDependentDevice
{
    /// <summary><c>group_id</c>, or <c>devid</c></summary>
    internal uint Id;

    /// <summary><c>segment</c></summary>
    internal ushort Segment;

    /// <summary><c>bus</c></summary>
    internal byte Bus;

    /// <summary><c>devfn</c></summary>
    internal byte Devfn;
}
