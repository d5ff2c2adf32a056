namespace FastIova;

/// <summary>The states of migration (include/uapi/linux/vfio.h, <c>enum vfio_device_mig_state</c>).</summary>
internal enum VfioMigrationState : uint
{
    /// <summary><c>VFIO_DEVICE_STATE_ERROR</c></summary>
    Error = 0,

    /// <summary><c>VFIO_DEVICE_STATE_STOP</c></summary>
    Stop = 1,

    /// <summary><c>VFIO_DEVICE_STATE_RUNNING</c></summary>
    Running = 2,

    /// <summary><c>VFIO_DEVICE_STATE_STOP_COPY</c></summary>
    StopCopy = 3,

    /// <summary><c>VFIO_DEVICE_STATE_RESUMING</c></summary>
    Resuming = 4,

    /// <summary><c>VFIO_DEVICE_STATE_RUNNING_P2P</c></summary>
    RunningP2P = 5,

    /// <summary><c>VFIO_DEVICE_STATE_PRE_COPY</c></summary>
    PreCopy = 6,

    /// <summary><c>VFIO_DEVICE_STATE_PRE_COPY_P2P</c></summary>
    PreCopyP2P = 7,
}
