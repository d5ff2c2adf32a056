namespace FastIova;

/// <summary>What the driver of a virtual IOMMU may ask of the control plane.</summary>
/// <remarks>Threads: any.</remarks>
internal interface IVirtualIommuOwner
{
    /// <summary>Lets clients map memory at an offset of the context's file. A mapping keeps the virtual IOMMU.</summary>
    /// <param name="memory">The memory, all of it; stays the driver's, and lives until <see cref="Withdraw"/>.</param>
    /// <param name="offset">Where: to be told to the user.</param>
    /// <returns>A failure has changed nothing.</returns>
    Errno Offer(SharedMemory memory, out ulong offset);

    /// <summary>Undoes <see cref="Offer"/>, when nothing is mapped any more.</summary>
    void Withdraw(ulong offset);

    /// <summary>Tells the user of an event.</summary>
    /// <param name="type">Which of the queues takes it.</param>
    /// <param name="data">What happened, as the type says.</param>
    /// <returns><see cref="Errno.NotSupported"/> when there is no such queue; <see cref="Errno.OutOfMemory"/> when the event counts as lost.</returns>
    /// <remarks>The driver sees to it that the virtual IOMMU is not freed meanwhile.</remarks>
    Errno Report(uint type, ReadOnlySpan<byte> data);
}
