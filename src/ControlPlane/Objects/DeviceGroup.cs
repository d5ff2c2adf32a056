namespace FastIova;

/// <summary>What a context knows of a <see cref="HardwareGroup"/>: which of its bound devices are attached, and to what.</summary>
/// <remarks>
/// Invariant: the devices of <see cref="Attached"/> are all attached to <see cref="Hwpt"/>, which is null when there are none;
/// each of them is one of its users.
/// </remarks>
internal sealed class DeviceGroup(HardwareGroup hardware)
{
    /// <summary>Guards the attachment of the group.</summary>
    internal OrderedLock Lock { get; } = new(LockRank.Attachment);

    /// <summary>The group that the hardware knows.</summary>
    internal HardwareGroup Hardware { get; } = hardware;

    /// <summary>What the attached devices are attached to.</summary>
    internal Hwpt? Hwpt { get; set; }

    /// <summary>The attached devices, in the order in which they came.</summary>
    internal List<DeviceObject> Attached { get; } = [];

    /// <summary>The bound devices; counted under the lock of the <see cref="DeviceGroups"/>.</summary>
    internal int Bound { get; set; }
}
