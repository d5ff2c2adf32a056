namespace FastIova;

/// <summary>The file of an event queue.</summary>
/// <remarks>It is a user of the queue, and keeps the context, until it is closed.</remarks>
internal sealed class EventFile(EventQueue queue) : OpenFile
{
    private int _closed;

    internal override bool IsReadable => queue.HasWaiting;

    internal override bool IsWritable => queue.TakesAnswers;

    /// <summary>Tells the door that there may be something to read. Not called with the lock of the queue.</summary>
    internal void Wake() => RaiseReadinessChanged();

    internal override long Read(Caller caller, ulong buffer, ulong count) => UserRange.IsLegal(buffer, count)
        ? queue.Deliver(caller.Memory, buffer, Math.Min(count, UserRange.BytesLast))
        : Refused(Errno.BadAddress);

    internal override long Write(Caller caller, ulong buffer, ulong count) => !queue.TakesAnswers ? Refused(Errno.Invalid)
        : UserRange.IsLegal(buffer, count) ? queue.TakeAnswers(caller.Memory, buffer, Math.Min(count, UserRange.BytesLast))
        : Refused(Errno.BadAddress);

    internal override void Close()
    {
        // A call that gave the file away and then failed closes it, and so may the door that takes it back.
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            queue.FileIsClosed();
        }
    }
}
