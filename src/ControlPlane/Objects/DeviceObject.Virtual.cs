namespace FastIova;

/// <content>The device as a guest has it behind its virtual IOMMU.</content>
internal sealed partial class DeviceObject
{
    /// <summary>Guards the attachment of the device's group, and <see cref="Virtual"/>.</summary>
    internal OrderedLock GroupLock => _group.Lock;

    /// <summary>What a guest has of it, which holds the device; null when none has. Under <see cref="GroupLock"/>.</summary>
    internal VdeviceObject? Virtual { get; set; }

    /// <summary>Whether it is being unbound, and no guest may have it any more. Under <see cref="GroupLock"/>.</summary>
    internal bool IsEnding { get; private set; }

    internal override void LoseHolders()
    {
        VdeviceObject? mine;
        using (GroupLock.Enter())
        {
            IsEnding = true;
            mine = Virtual;

            // Not published any more: a call destroys it now, and lets the device go by itself.
            if (mine is null || !Context.Objects.TryAddUser(mine))
            {
                return;
            }
        }

        Context.Objects.RemoveOwned(mine, leavesTombstone: true);
    }
}
