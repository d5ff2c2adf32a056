namespace FastIova;

/// <summary>What a group is attached to, and on whose behalf; faults that were reported through it are answered when it ends.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Hwpt">Its hwpt; null for the domain of a container, which nobody sees.</param>
/// <param name="Device">The bound device that attached the group: the one that faults are reported for; null for a container, which has no queue for them.</param>
internal sealed record AttachHandle(HardwareDomain Domain, Hwpt? Hwpt, DeviceObject? Device);
