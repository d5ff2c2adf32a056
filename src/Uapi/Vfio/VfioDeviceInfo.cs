using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What a device is.</summary>
/// <remarks><c>struct vfio_device_info</c>, the argument of VFIO_DEVICE_GET_INFO (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDeviceInfo
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>num_regions</c></summary>
    internal uint NumRegions;

    /// <summary><c>num_irqs</c></summary>
    internal uint NumIrqs;

    /// <summary><c>cap_offset</c></summary>
    internal uint CapOffset;

    /// <summary><c>pad</c></summary>
    internal uint Pad;
}
