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

    /// <summary>Receives the accesses of the device that were refused, on its threads; or null.</summary>
    internal Action<PciAddress, Fault>? OnFault { get; init; }
}
