namespace FastIova;

/// <summary>Where a device that VFIO offers is, and what the IOMMU before it is like.</summary>
internal sealed record VfioDeviceOptions
{
    /// <summary>Where it is.</summary>
    internal required PciAddress Address { get; init; }

    /// <summary>The IOMMU before it.</summary>
    internal DeviceOptions Iommu { get; init; } = new();

    /// <summary>Whether no IOMMU stands before it: it reaches memory by its physical address, and has a group of its own.</summary>
    internal bool IsNoIommu { get; init; }

    /// <summary>What can reset it.</summary>
    internal VfioResetKind Reset { get; init; }

    /// <summary>Whether no IOMMU stands before it, and it needs none: it is attached to an ioas, and the processor copies for it (Linux' mediated devices).</summary>
    internal bool IsEmulated { get; init; }

    /// <summary>Whether the state of the model can be carried over by VFIO; it must be <see cref="IPciMigratable"/> then.</summary>
    internal bool Migrates { get; init; }

    /// <summary>Whether the device keeps a log of what it writes.</summary>
    internal bool LogsWrites { get; init; }

    /// <summary>What stands before it.</summary>
    internal VfioGroupKind Kind => IsNoIommu ? VfioGroupKind.NoIommu : IsEmulated ? VfioGroupKind.Emulated : VfioGroupKind.Iommu;

    /// <summary>Receives the accesses of the device that were refused, on its threads; or null.</summary>
    internal Action<PciAddress, Fault>? OnFault { get; init; }
}
