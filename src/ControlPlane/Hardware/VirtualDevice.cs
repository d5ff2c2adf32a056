namespace FastIova;

/// <summary>A device as a guest sees it behind its IOMMU; a driver that keeps more of it derives its own.</summary>
/// <param name="device">The device.</param>
/// <param name="virtualId">What the guest calls it.</param>
internal class VirtualDevice(HardwareDevice device, ulong virtualId)
{
    /// <summary>The device.</summary>
    internal HardwareDevice Device { get; } = device;

    /// <summary>What the guest calls it.</summary>
    internal ulong VirtualId { get; } = virtualId;

    /// <summary>The guest no longer has the device. Comes once, while it still is in <see cref="VirtualIommu.Devices"/>. Never fails.</summary>
    internal virtual void Free()
    {
    }
}
