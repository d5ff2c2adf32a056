namespace FastIova;

/// <summary>What a context knows of a <see cref="HardwareGroup"/>: which of its bound devices are attached, and to what.</summary>
/// <remarks>
/// Invariant: the devices of an attachment are all attached to its hwpt, for the PASID that it is listed under, and each is one
/// of its users; an attachment that is listed has devices.
/// </remarks>
internal sealed class DeviceGroup(HardwareGroup hardware)
{
    /// <summary>Guards the attachments of the group.</summary>
    internal OrderedLock Lock { get; } = new(LockRank.Attachment);

    /// <summary>The group that the hardware knows.</summary>
    internal HardwareGroup Hardware { get; } = hardware;

    /// <summary>What is attached, by PASID; <see cref="DeviceObject.NoPasid"/> stands for the accesses without one.</summary>
    internal Dictionary<uint, Attachment> Attachments { get; } = [];

    /// <summary>The bound devices; counted under the lock of the <see cref="DeviceGroups"/>.</summary>
    internal int Bound { get; set; }

    /// <summary>
    /// Whether an hwpt may be attached beside what is attached already: a device that uses PASIDs has only hwpts that were made
    /// for that, with and without a PASID.
    /// </summary>
    /// <param name="hwpt">The hwpt.</param>
    /// <param name="pasid">For which accesses.</param>
    internal bool MayTake(Hwpt hwpt, uint pasid) => pasid == DeviceObject.NoPasid
        ? hwpt.FitsPasids || Attachments.Keys.All(attached => attached == DeviceObject.NoPasid)
        : hwpt.FitsPasids && (!Attachments.TryGetValue(DeviceObject.NoPasid, out Attachment? plain) || plain.Hwpt.FitsPasids);
}
