using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The devices that a hot reset affects: this, then as many <see cref="VfioDependentDevice"/>.</summary>
/// <remarks><c>struct vfio_pci_hot_reset_info</c>, the argument of VFIO_DEVICE_GET_PCI_HOT_RESET_INFO (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioHotResetInfo
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>count</c></summary>
    internal uint Count;
}
