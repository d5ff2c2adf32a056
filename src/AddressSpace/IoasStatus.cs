namespace FastIova;

/// <summary>How an operation of an ioas ended. The control plane gives each an errno.</summary>
internal enum IoasStatus
{
    /// <summary>Done.</summary>
    Success = 0,

    /// <summary>A value or a combination makes no sense (EINVAL).</summary>
    Invalid,

    /// <summary>A range wraps past 2^64 (EOVERFLOW).</summary>
    Overflow,

    /// <summary>Something is mapped there, or attached, already (EEXIST).</summary>
    AlreadyMapped,

    /// <summary>Nothing is mapped there, or only in part (ENOENT).</summary>
    NotFound,

    /// <summary>No hole is wide enough (ENOSPC).</summary>
    NoSpace,

    /// <summary>Memory, or the limit of locked memory, is used up (ENOMEM).</summary>
    OutOfMemory,

    /// <summary>Memory of the process is not there or does not allow the access (EFAULT).</summary>
    BadAddress,

    /// <summary>Iovas that must stay free are in use (EADDRINUSE).</summary>
    AddressInUse,

    /// <summary>The mapping does not allow the access (EPERM).</summary>
    NotPermitted,

    /// <summary>Another thread is working on the same area (EBUSY).</summary>
    Busy,

    /// <summary>An access did not give its pins back when it was asked to (EDEADLOCK).</summary>
    Deadlock,

    /// <summary>It does not exist here (EOPNOTSUPP).</summary>
    NotSupported,
}
