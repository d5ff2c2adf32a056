namespace FastIova;

/// <summary>Devices of a group that are attached to one hwpt, for their accesses without a PASID or for those with one.</summary>
/// <param name="hwpt">What to.</param>
internal sealed class Attachment(Hwpt hwpt)
{
    /// <summary>What they are attached to; they are its users.</summary>
    internal Hwpt Hwpt { get; set; } = hwpt;

    /// <summary>The devices, in the order in which they came; never none.</summary>
    internal List<DeviceObject> Devices { get; } = [];

    /// <summary>The device that takes page requests on behalf of the hwpt; null while the hwpt has no fault queue.</summary>
    internal DeviceObject? Faulting { get; set; }
}
