using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What the feature of low power with a wake-up says.</summary>
/// <remarks><c>struct vfio_device_low_power_entry_with_wakeup</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioLowPowerWakeup
{
    /// <summary><c>wakeup_eventfd</c></summary>
    internal int WakeupEventfd;

    /// <summary><c>reserved</c></summary>
    internal uint Reserved;
}
