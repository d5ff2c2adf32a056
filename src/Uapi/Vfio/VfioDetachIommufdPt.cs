using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Detaches a device.</summary>
/// <remarks><c>struct vfio_device_detach_iommufd_pt</c>, the argument of VFIO_DEVICE_DETACH_IOMMUFD_PT (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDetachIommufdPt
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>pasid</c></summary>
    internal uint Pasid;
}
