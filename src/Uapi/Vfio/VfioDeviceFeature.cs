using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A feature of a device: this, then its data.</summary>
/// <remarks><c>struct vfio_device_feature</c>, the argument of VFIO_DEVICE_FEATURE (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDeviceFeature
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;
}
