namespace FastIova;

/// <summary>An hwpt: what users see of a domain that devices can attach to.</summary>
internal abstract class Hwpt : UapiObject
{
    private protected Hwpt(IommufdContext context, ObjectKind kind, HwptAllocFlags flags)
        : base(context, kind) => FitsPasids = (flags & HwptAllocFlags.Pasid) != HwptAllocFlags.None;

    /// <summary>Whether it was made for devices with PASIDs: it may be attached for one, and beside others that are.</summary>
    internal bool FitsPasids { get; }

    /// <summary>Where page faults of attached devices go; null when nowhere. Set once, before the object is published.</summary>
    internal FaultQueue? Faults { get; private set; }

    /// <summary>The domain behind it.</summary>
    internal abstract HardwareDomain HardwareDomain { get; }

    /// <summary>The paging hwpt whose ioas the devices end up in: this one, or the parent.</summary>
    internal abstract PagingHwpt Paging { get; }

    /// <summary>Sends page faults to a queue, which the caller holds.</summary>
    internal void SendFaultsTo(FaultQueue queue)
    {
        queue.AddUser();
        Faults = queue;
    }

    /// <summary>One user less; an automatic hwpt that nobody uses any more is destroyed. No lock of an ioas is held.</summary>
    internal void LetUserGo()
    {
        if (this is PagingHwpt { IsAutomatic: true })
        {
            Context.Objects.RemoveIfUnused(this);
        }
        else
        {
            RemoveUser();
        }
    }

    private protected void LetFaultQueueGo() => Faults?.RemoveUser();
}
