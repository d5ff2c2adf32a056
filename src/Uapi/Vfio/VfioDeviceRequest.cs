namespace FastIova;

/// <summary>The ioctls of a VFIO device (include/uapi/linux/vfio.h). Some numbers are also those of a container: the file decides.</summary>
internal enum VfioDeviceRequest : uint
{
    /// <summary><c>VFIO_DEVICE_GET_INFO</c></summary>
    GetInfo = 0x3b6b,

    /// <summary><c>VFIO_DEVICE_GET_REGION_INFO</c></summary>
    GetRegionInfo = 0x3b6c,

    /// <summary><c>VFIO_DEVICE_GET_IRQ_INFO</c></summary>
    GetIrqInfo = 0x3b6d,

    /// <summary><c>VFIO_DEVICE_SET_IRQS</c></summary>
    SetIrqs = 0x3b6e,

    /// <summary><c>VFIO_DEVICE_RESET</c></summary>
    Reset = 0x3b6f,

    /// <summary><c>VFIO_DEVICE_GET_PCI_HOT_RESET_INFO</c></summary>
    GetPciHotResetInfo = 0x3b70,

    /// <summary><c>VFIO_DEVICE_PCI_HOT_RESET</c></summary>
    PciHotReset = 0x3b71,

    /// <summary><c>VFIO_DEVICE_IOEVENTFD</c></summary>
    IoEventfd = 0x3b74,

    /// <summary><c>VFIO_DEVICE_FEATURE</c></summary>
    Feature = 0x3b75,

    /// <summary><c>VFIO_DEVICE_BIND_IOMMUFD</c></summary>
    BindIommufd = 0x3b76,

    /// <summary><c>VFIO_DEVICE_ATTACH_IOMMUFD_PT</c></summary>
    AttachIommufdPt = 0x3b77,

    /// <summary><c>VFIO_DEVICE_DETACH_IOMMUFD_PT</c></summary>
    DetachIommufdPt = 0x3b78,

    /// <summary><c>VFIO_MIG_GET_PRECOPY_INFO</c>, of the data of a migration.</summary>
    GetPrecopyInfo = 0x3b79,
}
