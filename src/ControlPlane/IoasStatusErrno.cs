namespace FastIova;

/// <summary>What a status of the address space is called in the interface: the one place where it becomes an error number.</summary>
internal static class IoasStatusErrno
{
    /// <summary>The error number.</summary>
    internal static Errno ToErrno(this IoasStatus status) => status switch
    {
        IoasStatus.Success => Errno.Success,
        IoasStatus.Invalid => Errno.Invalid,
        IoasStatus.Overflow => Errno.Overflow,
        IoasStatus.AlreadyMapped => Errno.AlreadyExists,
        IoasStatus.NotFound => Errno.NotFound,
        IoasStatus.NoSpace => Errno.NoSpace,
        IoasStatus.OutOfMemory => Errno.OutOfMemory,
        IoasStatus.BadAddress => Errno.BadAddress,
        IoasStatus.AddressInUse => Errno.AddressInUse,
        IoasStatus.NotPermitted => Errno.NotPermitted,
        IoasStatus.Busy => Errno.Busy,
        IoasStatus.Deadlock => Errno.Deadlock,
        _ => Errno.NotSupported,
    };
}
