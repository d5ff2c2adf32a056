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

    /// <summary>The number of the device node that was opened, as the C library packs it; zero for a file without a node.</summary>
    internal ulong Node { get; set; }

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

    /// <summary>The pread system call; a file without positions reads as ever.</summary>
    internal virtual long ReadAt(Caller caller, ulong buffer, ulong count, ulong position) => Read(caller, buffer, count);

    /// <summary>The pwrite system call; a file without positions writes as ever.</summary>
    internal virtual long WriteAt(Caller caller, ulong buffer, ulong count, ulong position) => Write(caller, buffer, count);

    /// <summary>The write system call: copies from the caller's memory.</summary>
    internal virtual long Write(Caller caller, ulong buffer, ulong count) => Refused(Errno.Invalid);

    /// <summary>
    /// The mmap system call: says what to map, and keeps it until the <see cref="FileMapping"/> is disposed, which is munmap.
    /// A door hands the memory out and disposes the mapping when nothing of its client has it mapped any more. Code of this
    /// process needs no door: it reads and writes <see cref="FileMapping.Bytes"/>, and disposes the mapping to unmap it:
    /// <code>
    /// long result = file.Map(new MapRequest(offset, length, protection, flags), out FileMapping? mapping);
    /// // result: zero, or a negative errno
    /// mapping?.Dispose();
    /// </code>
    /// </summary>
    /// <param name="request">What the system call was given.</param>
    /// <param name="mapping">What to map, on success.</param>
    /// <returns>Zero, or a negative errno.</returns>
    internal long Map(in MapRequest request, out FileMapping? mapping)
    {
        mapping = null;
        Errno errno = request.Check(out ulong length);
        return Refused(errno == Errno.Success ? MapChecked(request with { Length = length }, out mapping) : errno);
    }

    /// <summary>What the file itself says to <see cref="Map"/>.</summary>
    /// <param name="request">Checked as for every file: whole pages that do not wrap.</param>
    /// <param name="mapping">What to map, on success.</param>
    private protected virtual Errno MapChecked(in MapRequest request, out FileMapping? mapping)
    {
        mapping = null;
        return Errno.NoDevice;
    }

    /// <summary>The last descriptor is gone.</summary>
    internal abstract void Close();

    /// <summary>What a system call answers with.</summary>
    private protected static long Refused(Errno errno) => -(long)errno;

    private protected void RaiseReadinessChanged() => OnReadinessChanged?.Invoke();
}
