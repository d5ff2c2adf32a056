namespace FastIova;

/// <summary>Where a queue lies that the hardware reads by itself: pages that are pinned, one behind the other.</summary>
/// <param name="Owner">The queue as an object of its context.</param>
/// <param name="Type">What queue, as its IOMMU counts them.</param>
/// <param name="Index">Which one of them.</param>
/// <param name="Iova">Where the parent domain has it.</param>
/// <param name="Length">Bytes.</param>
/// <param name="First">The frame of its first page.</param>
internal sealed record QueuePlace(UapiObject Owner, uint Type, uint Index, ulong Iova, ulong Length, Frame First)
{
    /// <summary>Where in the first page it begins.</summary>
    internal ulong Offset => Iova & (Frame.PageBytes - 1);
}

/// <summary>A queue in memory of a guest that the hardware reads by itself: the driver's half.</summary>
/// <param name="place">Where it lies.</param>
internal abstract class HardwareQueue(QueuePlace place)
{
    /// <summary>Where it lies.</summary>
    internal QueuePlace Place { get; } = place;

    /// <summary>Keeps the queue from being destroyed (EBUSY), for another one that needs it.</summary>
    /// <returns>False when it is being destroyed.</returns>
    internal bool TryKeep() => Place.Owner.TryAddUser();

    /// <summary>Undoes <see cref="TryKeep"/>.</summary>
    internal void LetGo() => Place.Owner.RemoveUser();

    /// <summary>The hardware no longer uses the queue. Comes once; never fails.</summary>
    internal abstract void Free();
}
