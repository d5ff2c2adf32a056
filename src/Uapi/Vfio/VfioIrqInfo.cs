using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One kind of interrupts of a device.</summary>
/// <remarks><c>struct vfio_irq_info</c>, the argument of VFIO_DEVICE_GET_IRQ_INFO (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioIrqInfo
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>index</c></summary>
    internal uint Index;

    /// <summary><c>count</c></summary>
    internal uint Count;
}
