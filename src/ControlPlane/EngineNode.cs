namespace FastIova;

/// <summary>A device node that can be opened.</summary>
internal enum EngineNode
{
    /// <summary><c>/dev/iommu</c>.</summary>
    Iommu,

    /// <summary><c>/dev/vfio/vfio</c>: the same, but locked memory is charged to the process; or VFIO's own container.</summary>
    VfioContainer,
}
