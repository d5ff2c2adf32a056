using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Attaches a device to an ioas or hwpt.</summary>
/// <remarks><c>struct vfio_device_attach_iommufd_pt</c>, the argument of VFIO_DEVICE_ATTACH_IOMMUFD_PT (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioAttachIommufdPt
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>pt_id</c>: in and out.</summary>
    internal uint PtId;

    /// <summary><c>pasid</c></summary>
    internal uint Pasid;
}
