namespace FastIova;

/// <summary>What differs between releases of Linux. The release that brought each is in <see cref="UapiChanges"/>; handlers ask <see cref="IommufdContext.Has"/>, and no other way.</summary>
internal enum UapiChange
{
    /// <summary>GET_HW_INFO takes a type of information; before, flags must be zero.</summary>
    HwInfoInputType,

    /// <summary>Mock devices may have PASIDs.</summary>
    MockPasids,

    /// <summary>GET_HW_INFO says when a device has no ATS.</summary>
    AtsNotSupported,

    /// <summary>IOAS_MAP_FILE (6.13).</summary>
    MapFile,

    /// <summary>VIOMMU_ALLOC and VDEVICE_ALLOC (6.13).</summary>
    VirtualIommu,

    /// <summary>IOAS_CHANGE_PROCESS (6.14).</summary>
    ChangeProcess,

    /// <summary>VEVENTQ_ALLOC (6.15).</summary>
    VirtualEvents,

    /// <summary>HW_QUEUE_ALLOC and mmap of the file (6.17).</summary>
    HardwareQueues,

    /// <summary>Devices without an IOMMU by their own nodes, and IOAS_NOIOMMU_GET_PA (7.3).</summary>
    NoIommu,

    /// <summary>An hwpt with a table of the engine may have a fault queue; before, EOPNOTSUPP.</summary>
    PagingFaults,

    /// <summary>HWPT_ALLOC takes the flag for PASIDs (6.15); before, EOPNOTSUPP.</summary>
    PasidHwpts,

    /// <summary>The data of a mock hwpt picks the kind of its table, and a nested one may have 8 bytes of it; a flag of the mock device did before.</summary>
    MockTableKinds,

    /// <summary>HWPT_INVALIDATE of an object of another type is EINVAL; before, ENOENT.</summary>
    InvalidateNeedsType,

    /// <summary>A user address that wraps is EOVERFLOW; before, EINVAL.</summary>
    UserWrapOverflows,

    /// <summary>VFIO_IOMMU_MAP_DMA without a permission is EINVAL when a domain is there; before, it succeeded.</summary>
    VfioMapNeedsPermission,

    /// <summary>Mock domains map whole runs of frames by larger entries, and say so; before, 2 KiB only. Dirty marks are as large as the entries.</summary>
    MockManyPageSizes,

    /// <summary>MD_CHECK_MAP looks for the hwpt before it looks at the range.</summary>
    CheckMapFindsFirst,

    /// <summary>VFIO_DEVICE_BIND_IOMMUFD takes a token of the physical function, and is longer (6.17); before, its flags must be zero.</summary>
    BindToken,

    /// <summary>ATTACH and DETACH of a VFIO device take a PASID (6.15); before, their flags must be zero.</summary>
    VfioPasids,

    /// <summary>Every PCI device of VFIO has an interrupt for errors; before, those of PCI Express only.</summary>
    VfioErrorsEverywhere,

    /// <summary>The regions of a VFIO device can be given away as dma-bufs (6.19).</summary>
    VfioDmaBuf,

    /// <summary>In a container of type 1 an iova or an address that wraps is EOVERFLOW; before, EINVAL.</summary>
    Type1WrapOverflows,

    /// <summary>Type 1 knows no nesting any more; before, it was an extension that no IOMMU here could be set to (EINVAL).</summary>
    Type1WithoutNesting,

    /// <summary>A driver can ask for the second form of what there is to copy before a device is stopped (7.1); before, there was no such feature.</summary>
    VfioPrecopyInfo2,

    /// <summary>The operations 16 to 23 of the test backend.</summary>
    LateTestOps,
}
