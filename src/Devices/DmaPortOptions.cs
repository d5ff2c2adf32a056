namespace FastIova;

/// <summary>What a <see cref="DmaPort"/> is made of.</summary>
public sealed record DmaPortOptions
{
    /// <summary>A name for reports.</summary>
    public string Name { get; init; } = "port";

    /// <summary>The number of the device, which its faults carry. A PCI device uses its requester id.</summary>
    public uint Device { get; init; }

    /// <summary>Who pays for the fence between this port and an unmap: the port at each scope, or the unmap.</summary>
    public ReaderKind Kind { get; init; } = ReaderKind.Batch;

    /// <summary>The vector width, or null for the one in force (<see cref="Iommu.Isa"/>).</summary>
    public IsaWidth? Isa { get; init; }

    /// <summary>Makes other loops than those that count, for measurements of the counting.</summary>
    internal Func<PortContext, PageTable, IsaWidth, Translator>? Loops { get; init; }
}
