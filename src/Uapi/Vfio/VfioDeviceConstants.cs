namespace FastIova;

/// <summary>Flags and identifiers of the calls of devices and groups (include/uapi/linux/vfio.h).</summary>
internal static class VfioDeviceConstants
{
    /// <summary><c>VFIO_REGION_INFO_CAP_MSIX_MAPPABLE</c></summary>
    internal const ushort CapMsixMappable = 3;

    /// <summary><c>VFIO_DEVICE_FLAGS_RESET</c></summary>
    internal const uint DeviceReset = 0x1;

    /// <summary><c>VFIO_DEVICE_FLAGS_PCI</c></summary>
    internal const uint DevicePci = 0x2;

    /// <summary><c>VFIO_REGION_INFO_FLAG_READ</c></summary>
    internal const uint RegionRead = 0x1;

    /// <summary><c>VFIO_REGION_INFO_FLAG_WRITE</c></summary>
    internal const uint RegionWrite = 0x2;

    /// <summary><c>VFIO_REGION_INFO_FLAG_MMAP</c></summary>
    internal const uint RegionMap = 0x4;

    /// <summary><c>VFIO_REGION_INFO_FLAG_CAPS</c></summary>
    internal const uint RegionCaps = 0x8;

    /// <summary><c>VFIO_IRQ_INFO_EVENTFD</c></summary>
    internal const uint IrqEventfd = 0x1;

    /// <summary><c>VFIO_IRQ_INFO_MASKABLE</c></summary>
    internal const uint IrqMaskable = 0x2;

    /// <summary><c>VFIO_IRQ_INFO_AUTOMASKED</c></summary>
    internal const uint IrqAutomasked = 0x4;

    /// <summary><c>VFIO_IRQ_INFO_NORESIZE</c></summary>
    internal const uint IrqNoResize = 0x8;

    /// <summary><c>VFIO_IRQ_SET_DATA_NONE</c></summary>
    internal const uint SetDataNone = 0x1;

    /// <summary><c>VFIO_IRQ_SET_DATA_BOOL</c></summary>
    internal const uint SetDataBool = 0x2;

    /// <summary><c>VFIO_IRQ_SET_DATA_EVENTFD</c></summary>
    internal const uint SetDataEventfd = 0x4;

    /// <summary><c>VFIO_IRQ_SET_DATA_TYPE_MASK</c></summary>
    internal const uint SetDataMask = 0x7;

    /// <summary><c>VFIO_IRQ_SET_ACTION_MASK</c></summary>
    internal const uint SetActionMask = 0x8;

    /// <summary><c>VFIO_IRQ_SET_ACTION_UNMASK</c></summary>
    internal const uint SetActionUnmask = 0x10;

    /// <summary><c>VFIO_IRQ_SET_ACTION_TRIGGER</c></summary>
    internal const uint SetActionTrigger = 0x20;

    /// <summary><c>VFIO_IRQ_SET_ACTION_TYPE_MASK</c></summary>
    internal const uint SetActionsMask = 0x38;

    /// <summary><c>VFIO_PCI_HOT_RESET_FLAG_DEV_ID</c></summary>
    internal const uint HotResetDevId = 0x1;

    /// <summary><c>VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED</c></summary>
    internal const uint HotResetDevIdOwned = 0x2;

    /// <summary><c>VFIO_PCI_DEVID_OWNED</c></summary>
    internal const uint DevIdOwned = 0x0;

    /// <summary><c>VFIO_PCI_DEVID_NOT_OWNED</c></summary>
    internal const uint DevIdNotOwned = 0xffffffff;

    /// <summary><c>VFIO_DEVICE_FEATURE_MASK</c></summary>
    internal const uint FeatureMask = 0xffff;

    /// <summary><c>VFIO_DEVICE_FEATURE_GET</c></summary>
    internal const uint FeatureGet = 0x10000;

    /// <summary><c>VFIO_DEVICE_FEATURE_SET</c></summary>
    internal const uint FeatureSet = 0x20000;

    /// <summary><c>VFIO_DEVICE_FEATURE_PROBE</c></summary>
    internal const uint FeatureProbe = 0x40000;

    /// <summary><c>VFIO_MIGRATION_STOP_COPY</c></summary>
    internal const ulong MigrationStopCopy = 0x1;

    /// <summary><c>VFIO_MIGRATION_P2P</c></summary>
    internal const ulong MigrationP2P = 0x2;

    /// <summary><c>VFIO_MIGRATION_PRE_COPY</c></summary>
    internal const ulong MigrationPreCopy = 0x4;

    /// <summary><c>VFIO_DEVICE_IOEVENTFD_SIZE_MASK</c>; each of its bits is the width of a write in bytes.</summary>
    internal const uint IoEventfdWidths = 0xf;

    /// <summary><c>VFIO_DEVICE_BIND_FLAG_TOKEN</c></summary>
    internal const uint BindToken = 0x1;

    /// <summary><c>VFIO_DEVICE_ATTACH_PASID</c></summary>
    internal const uint AttachPasid = 0x1;

    /// <summary><c>VFIO_DEVICE_DETACH_PASID</c></summary>
    internal const uint DetachPasid = 0x1;

    /// <summary><c>VFIO_GROUP_FLAGS_VIABLE</c></summary>
    internal const uint GroupViable = 0x1;

    /// <summary><c>VFIO_GROUP_FLAGS_CONTAINER_SET</c></summary>
    internal const uint GroupContainerSet = 0x2;
}
