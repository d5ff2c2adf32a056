namespace FastIova;

/// <summary>The kinds of objects that share the ids of a context.</summary>
internal enum ObjectKind : byte
{
    /// <summary>A bound device.</summary>
    Device = 1,

    /// <summary>An hwpt whose table the engine keeps.</summary>
    PagingHwpt,

    /// <summary>An hwpt whose table a guest keeps.</summary>
    NestedHwpt,

    /// <summary>An I/O address space.</summary>
    Ioas,

    /// <summary>A user of an ioas that is not a device.</summary>
    Access,

    /// <summary>A fault queue.</summary>
    FaultQueue,

    /// <summary>An object of the test backend.</summary>
    Test,

    /// <summary>An IOMMU of a guest.</summary>
    VirtualIommu,

    /// <summary>A device behind one.</summary>
    VirtualDevice,

    /// <summary>A queue of the events of one.</summary>
    VirtualEventQueue,

    /// <summary>A queue of one that the hardware reads by itself.</summary>
    HardwareQueue,
}
