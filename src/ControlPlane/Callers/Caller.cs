namespace FastIova;

/// <summary>Capabilities of a Linux process that ioctls ask for (capability.h).</summary>
internal enum Capability
{
    /// <summary>Locks memory without a limit.</summary>
    IpcLock = 14,

    /// <summary>Does raw input and output: noiommu.</summary>
    SysRawIo = 17,

    /// <summary>Administers the system.</summary>
    SysAdmin = 21,

    /// <summary>Overrides resource limits.</summary>
    SysResource = 24,
}

/// <summary>Who makes a call: its memory, its rights, its files. An ioctl handler does not know through which door it came.</summary>
/// <remarks>Threads: one call at a time; each concurrent call has a caller of its own.</remarks>
internal abstract class Caller
{
    /// <summary>The memory that the call's pointers mean.</summary>
    internal abstract MemorySpace Memory { get; }

    /// <summary>Who pays for locked memory in user mode: one tally for each user of the engine.</summary>
    internal abstract MemoryTally User { get; }

    /// <summary>RLIMIT_MEMLOCK of the process now, in pages; <see cref="long.MaxValue"/> without a limit. Asked at every pin, also after the call.</summary>
    internal abstract Func<long> LockLimitPages { get; }

    /// <summary>What it may have; null for no limits.</summary>
    internal virtual Quotas? Quotas => null;

    /// <summary>Whether the process has a capability in its effective set now.</summary>
    internal abstract bool Has(Capability capability);

    /// <summary>Gives the process a file descriptor (close-on-exec) for a file.</summary>
    /// <returns>The descriptor, or a negative errno.</returns>
    internal abstract int Install(OpenFile file);

    /// <summary>Takes a descriptor back that <see cref="Install"/> just gave, because a later step of the call failed.</summary>
    internal abstract void Uninstall(int fd);

    /// <summary>Finds what a descriptor of the process stands for.</summary>
    /// <param name="fd">The descriptor.</param>
    /// <param name="file">The file, or null when it is not one of this engine.</param>
    /// <returns>False when the process has no such descriptor (EBADF).</returns>
    internal abstract bool TryResolve(int fd, out OpenFile? file);

    /// <summary>The files that were mapped as files, for this caller and those like it.</summary>
    internal virtual BackingObjects MappedFiles => BackingObjects.Own;

    /// <summary>Takes a descriptor of the engine's for what a descriptor of the process stands for, when that is no file of this engine.</summary>
    /// <param name="fd">The descriptor; of this process, unless the caller is another one.</param>
    /// <param name="taken">The engine's; null on a failure.</param>
    /// <returns><see cref="Errno.BadDescriptor"/>, or <see cref="Errno.OutOfMemory"/> when the engine has no room for it.</returns>
    internal virtual Errno TakeDescriptor(int fd, out Descriptor? taken)
    {
        taken = Descriptor.TryDuplicate(fd);
        return taken is not null ? Errno.Success : Descriptor.FactsOf(fd) is null ? Errno.BadDescriptor : Errno.OutOfMemory;
    }
}
