namespace FastIova;

/// <summary>What the IOMMU before a device of this process is like.</summary>
public sealed record DeviceOptions
{
    /// <summary>What automatic page tables, and those that are made for the device, are made of.</summary>
    public DomainOptions Domain { get; init; } = new();

    /// <summary>The iovas that the device cannot use, such as a window for interrupts.</summary>
    public IReadOnlyList<IovaSpan> ReservedRegions { get; init; } = [];
}
