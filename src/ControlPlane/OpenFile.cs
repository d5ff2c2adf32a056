namespace FastIova;

/// <summary>What a file descriptor of a client stands for, until the last descriptor for it is closed.</summary>
/// <remarks>
/// <para>Results are those of the system calls: zero or more on success, a negative errno on failure.</para>
/// <para>Threads: any; calls on one file may run at the same time. <see cref="Close"/> comes once and last.</para>
/// <para>Teardown: <see cref="Close"/> never fails, whatever state the client died in.</para>
/// </remarks>
public abstract class OpenFile
{
    private protected OpenFile()
    {
    }

    /// <summary>Called when <see cref="IsReadable"/> may have changed, on any thread: the door that installed the file wakes its pollers.</summary>
    internal Action? OnReadinessChanged { get; set; }

    /// <summary>Whether poll reports POLLIN.</summary>
    internal virtual bool IsReadable => false;

    /// <summary>Whether poll reports POLLOUT.</summary>
    internal virtual bool IsWritable => false;

    /// <summary>The ioctl system call.</summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="request">The request, as it was passed.</param>
    /// <param name="argument">The third argument, usually a pointer into the caller's memory.</param>
    internal virtual long Ioctl(Caller caller, uint request, ulong argument) => Refused(Errno.NotATypewriter);

    /// <summary>The read system call: copies to the caller's memory. Never blocks: a door waits for readiness itself where the file blocks.</summary>
    internal virtual long Read(Caller caller, ulong buffer, ulong count) => Refused(Errno.Invalid);

    /// <summary>The write system call: copies from the caller's memory.</summary>
    internal virtual long Write(Caller caller, ulong buffer, ulong count) => Refused(Errno.Invalid);

    /// <summary>The mmap system call: says what to map.</summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="offset">The offset in bytes.</param>
    /// <param name="length">The length in bytes.</param>
    /// <param name="memory">Memory to map shared into the caller at <paramref name="memoryOffset"/>; disposed by nobody.</param>
    /// <param name="memoryOffset">Where in it.</param>
    internal virtual long Map(Caller caller, ulong offset, ulong length, out SharedMemory? memory, out ulong memoryOffset)
    {
        memory = null;
        memoryOffset = 0;
        return Refused(Errno.NoDevice);
    }

    /// <summary>The last descriptor is gone.</summary>
    internal abstract void Close();

    /// <summary>What a system call answers with.</summary>
    private protected static long Refused(Errno errno) => -(long)errno;

    private protected void RaiseReadinessChanged() => OnReadinessChanged?.Invoke();
}
