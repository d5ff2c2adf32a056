using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Resets every device of a bus: this, then the descriptors of groups.</summary>
/// <remarks><c>struct vfio_pci_hot_reset</c>, the argument of VFIO_DEVICE_PCI_HOT_RESET (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioHotReset
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>count</c></summary>
    internal uint Count;
}
