using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The file of a fault queue: reads deliver whole groups of page faults, writes answer them.</summary>
/// <remarks>It is a user of the queue, and keeps the context, until it is closed.</remarks>
internal sealed class FaultFile(FaultQueue queue) : OpenFile
{
    private int _closed;

    internal override bool IsReadable => queue.HasWaiting;

    internal override bool IsWritable => true;

    /// <summary>Tells the door that there may be something to read.</summary>
    internal void Wake() => RaiseReadinessChanged();

    internal override long Read(Caller caller, ulong buffer, ulong count)
    {
        if (!UserRange.IsLegal(buffer, count))
        {
            return Refused(Errno.BadAddress);
        }

        ulong room = Math.Min(count, UserRange.BytesLast);
        return room % (ulong)Marshal.SizeOf<PageFaultRecord>() != 0 ? Refused(Errno.IllegalSeek) : queue.Deliver(caller.Memory, buffer, room);
    }

    internal override long Write(Caller caller, ulong buffer, ulong count)
    {
        if (!UserRange.IsLegal(buffer, count))
        {
            return Refused(Errno.BadAddress);
        }

        ulong length = Math.Min(count, UserRange.BytesLast);
        return length % (ulong)Marshal.SizeOf<PageResponseRecord>() != 0 ? Refused(Errno.IllegalSeek) : queue.TakeAnswers(caller.Memory, buffer, length);
    }

    internal override void Close()
    {
        // A call that gave the file away and then failed closes it, and so may the door that takes it back.
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            queue.FileIsClosed();
        }
    }
}
