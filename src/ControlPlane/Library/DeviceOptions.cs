namespace FastIova;

/// <summary>What the IOMMU before a device of this process is like.</summary>
public sealed record DeviceOptions
{
    private const int PasidLog2Last = 20;

    /// <summary>What automatic page tables, and those that are made for the device, are made of.</summary>
    public DomainOptions Domain { get; init; } = new();

    /// <summary>The width of its PASIDs in bits, 1 to 20; zero when it has none (PCIe 6.0, §7.8.9).</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such width.</exception>
    public int PasidLog2
    {
        get;
        init => field = value is >= 0 and <= PasidLog2Last ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"PASIDs have 1 to {PasidLog2Last} bits: give a number up to {PasidLog2Last}, or zero for a device without.");
    }

    /// <summary>
    /// Whether the IOMMU makes every access coherent, whatever the device asks for. Page tables that are made for such a device do so, and take
    /// no device behind an IOMMU that cannot; VFIO_DMA_CC_IOMMU says so of a container.
    /// </summary>
    public bool EnforcesCoherency { get; init; }

    /// <summary>The iovas that the device cannot use, such as a window for interrupts.</summary>
    public IReadOnlyList<IovaSpan> ReservedRegions { get; init; } = [];
}
