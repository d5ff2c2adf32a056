using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Sets interrupts of one kind: this, then the data.</summary>
/// <remarks><c>struct vfio_irq_set</c>, the argument of VFIO_DEVICE_SET_IRQS (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioIrqSet
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>index</c></summary>
    internal uint Index;

    /// <summary><c>start</c></summary>
    internal uint Start;

    /// <summary><c>count</c></summary>
    internal uint Count;
}
