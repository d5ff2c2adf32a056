using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A state of migration to go to, or that the device is in, and the descriptor of its data.</summary>
/// <remarks><c>struct vfio_device_feature_mig_state</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioMigrationChange
{
    /// <summary><c>device_state</c></summary>
    internal uint DeviceState;

    /// <summary><c>data_fd</c></summary>
    internal int DataFd;
}
