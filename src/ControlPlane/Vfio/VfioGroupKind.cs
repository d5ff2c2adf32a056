namespace FastIova;

/// <summary>What stands before the devices of a group.</summary>
internal enum VfioGroupKind
{
    /// <summary>An IOMMU.</summary>
    Iommu,

    /// <summary>Nothing: they reach memory by its physical address.</summary>
    NoIommu,

    /// <summary>Nothing, and they need nothing: they pin memory and copy by the processor.</summary>
    Emulated,
}
