using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Binds a device to an iommufd.</summary>
/// <remarks><c>struct vfio_device_bind_iommufd</c>, the argument of VFIO_DEVICE_BIND_IOMMUFD (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioBindIommufd
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>iommufd</c></summary>
    internal int Iommufd;

    /// <summary><c>out_devid</c></summary>
    internal uint OutDevId;

    /// <summary><c>token_uuid_ptr</c></summary>
    internal ulong TokenUuidPtr;
}
