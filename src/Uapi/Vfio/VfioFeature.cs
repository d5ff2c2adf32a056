namespace FastIova;

/// <summary>The features of a device.</summary>
/// <remarks>include/uapi/linux/vfio.h, Linux 7.3.</remarks>
internal enum VfioFeature : uint
{
    /// <summary><c>VFIO_DEVICE_FEATURE_PCI_VF_TOKEN</c></summary>
    PciVfToken = 0,

    /// <summary><c>VFIO_DEVICE_FEATURE_MIGRATION</c></summary>
    Migration = 1,

    /// <summary><c>VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE</c></summary>
    MigrationState = 2,

    /// <summary><c>VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY</c></summary>
    LowPowerEntry = 3,

    /// <summary><c>VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP</c></summary>
    LowPowerEntryWithWakeup = 4,

    /// <summary><c>VFIO_DEVICE_FEATURE_LOW_POWER_EXIT</c></summary>
    LowPowerExit = 5,

    /// <summary><c>VFIO_DEVICE_FEATURE_DMA_LOGGING_START</c></summary>
    DmaLoggingStart = 6,

    /// <summary><c>VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP</c></summary>
    DmaLoggingStop = 7,

    /// <summary><c>VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT</c></summary>
    DmaLoggingReport = 8,

    /// <summary><c>VFIO_DEVICE_FEATURE_MIG_DATA_SIZE</c></summary>
    MigrationDataSize = 9,

    /// <summary><c>VFIO_DEVICE_FEATURE_DMA_BUF</c></summary>
    DmaBuf = 11,

    /// <summary><c>VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2</c></summary>
    MigrationPrecopyInfo2 = 12,
}
