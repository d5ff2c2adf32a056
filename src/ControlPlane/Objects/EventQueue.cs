namespace FastIova;

/// <summary>A queue of events that a user space reads from a file, and may answer there.</summary>
/// <remarks>Threads: any. The file is a user of the queue and keeps the context until it is closed.</remarks>
internal abstract class EventQueue : UapiObject
{
    private protected EventQueue(IommufdContext context, ObjectKind kind)
        : base(context, kind)
    {
    }

    /// <summary>The file of the queue.</summary>
    internal EventFile File { get; private set; } = null!;

    /// <summary>Whether there is something to read.</summary>
    internal abstract bool HasWaiting { get; }

    /// <summary>Whether the file can be written.</summary>
    internal virtual bool TakesAnswers => false;

    /// <summary>Copies whole events into the caller's memory, the oldest first.</summary>
    /// <param name="memory">Whose memory.</param>
    /// <param name="buffer">Where.</param>
    /// <param name="room">The bytes that the caller has for them.</param>
    /// <returns>The bytes; zero when nothing waits, a negative errno when not even one event could be delivered.</returns>
    internal abstract long Deliver(MemorySpace memory, ulong buffer, ulong room);

    /// <summary>Takes answers from the caller's memory, up to the first that makes no sense; only where <see cref="TakesAnswers"/>.</summary>
    /// <returns>The bytes, or a negative errno when not even one answer was taken.</returns>
    internal virtual long TakeAnswers(MemorySpace memory, ulong buffer, ulong length) => -(long)Errno.Invalid;

    /// <summary>Gives the file to the caller and tells it about both: the last step before the queue is published.</summary>
    /// <param name="call">The call that made the queue.</param>
    /// <param name="outId">Where its struct says the id.</param>
    /// <param name="outFd">Where its struct says the descriptor.</param>
    /// <returns>A failure has closed the file; the queue is still to be aborted.</returns>
    internal Errno Introduce(in IoctlCall call, ref uint outId, ref uint outFd)
    {
        Errno errno;
        int fd = FaultPoint.Fails() ? -(int)Errno.OutOfMemory : call.Caller.Install(File);
        if (fd < 0)
        {
            errno = (Errno)(-fd);
        }
        else
        {
            outId = Id;
            outFd = (uint)fd;
            errno = call.Respond();
            if (errno != Errno.Success)
            {
                call.Caller.Uninstall(fd);
            }
        }

        if (errno != Errno.Success)
        {
            // It is a user of the queue.
            File.Close();
        }

        return errno;
    }

    internal void FileIsClosed()
    {
        RemoveUser();
        Context.LetGo();
    }

    /// <summary>Makes the file. Comes once, when the queue is reserved.</summary>
    private protected void OpenFile()
    {
        AddUser();
        Context.Hold();
        File = new EventFile(this);
    }
}
