namespace FastIova;

/// <summary>The names of error numbers, and what to do about them.</summary>
internal static class ErrnoText
{
    /// <summary>The name in C.</summary>
    internal static string Name(this Errno errno) => errno switch
    {
        Errno.NotPermitted => "EPERM",
        Errno.NotFound => "ENOENT",
        Errno.InputOutput => "EIO",
        Errno.TooBig => "E2BIG",
        Errno.BadDescriptor => "EBADF",
        Errno.OutOfMemory => "ENOMEM",
        Errno.BadAddress => "EFAULT",
        Errno.Busy => "EBUSY",
        Errno.AlreadyExists => "EEXIST",
        Errno.NoDevice => "ENODEV",
        Errno.Invalid => "EINVAL",
        Errno.NotATypewriter => "ENOTTY",
        Errno.NoSpace => "ENOSPC",
        Errno.Deadlock => "EDEADLOCK",
        Errno.Overflow => "EOVERFLOW",
        Errno.MessageTooLong => "EMSGSIZE",
        Errno.NotSupported => "EOPNOTSUPP",
        Errno.AddressInUse => "EADDRINUSE",
        _ => $"error {(int)errno}",
    };

    /// <summary>What it means, and the remedy.</summary>
    internal static string Meaning(this Errno errno) => errno switch
    {
        Errno.NotPermitted => "the memory was mapped without that right, or a device of the same group belongs to another context.",
        Errno.NotFound => "no object has the id, or part of the range is not mapped, or an area would be cut in two.",
        Errno.OutOfMemory => "the limit of locked memory (RLIMIT_MEMLOCK) is reached: raise it, or unmap something.",
        Errno.BadAddress => "part of the memory is not mapped in this process, or is not writable: allocate it first.",
        Errno.Busy => "something still uses the object: detach devices and destroy what was made on it first.",
        Errno.AlreadyExists => "part of the range is mapped: unmap it first.",
        Errno.Invalid => "length, alignment or combination do not fit: see the alignment of the ioas, and what the device is attached to.",
        Errno.NoSpace => "no free range of iovas is long enough: see the ranges of the ioas.",
        Errno.Deadlock => "an access does not give its pins back.",
        Errno.Overflow => "the range wraps past the last address.",
        Errno.NotSupported => "the device, or the release that the engine answers as, cannot do that.",
        Errno.AddressInUse => "mappings or allowed ranges lie where a device has reserved, misaligned, or no addresses.",
        _ => "see the manual of iommufd.",
    };
}
