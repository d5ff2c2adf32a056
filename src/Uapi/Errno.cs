namespace FastIova;

/// <summary>
/// The error numbers of Linux that the interface answers with (asm-generic/errno.h). This is the only place where they have
/// values; a system call answers with the negative number.
/// </summary>
public enum Errno
{
    /// <summary><c>0</c>: it was done.</summary>
    Success = 0,

    /// <summary><c>EPERM</c>: the caller, or a mapping, does not allow it.</summary>
    NotPermitted = 1,

    /// <summary><c>ENOENT</c>: there is no such object, area or range.</summary>
    NotFound = 2,

    /// <summary><c>EIO</c>: a check of the test backend found a difference.</summary>
    InputOutput = 5,

    /// <summary><c>ENXIO</c>: there is no such place to map.</summary>
    NoSuchDevice = 6,

    /// <summary><c>E2BIG</c>: the argument says more than this release understands.</summary>
    TooBig = 7,

    /// <summary><c>EBADF</c>: there is no such file descriptor.</summary>
    BadDescriptor = 9,

    /// <summary><c>ENOMEM</c>: memory, or the limit of locked memory, is used up.</summary>
    OutOfMemory = 12,

    /// <summary><c>EACCES</c>: a token is missing.</summary>
    AccessDenied = 13,

    /// <summary><c>EFAULT</c>: memory of the caller cannot be read, written or pinned.</summary>
    BadAddress = 14,

    /// <summary><c>EBUSY</c>: something uses it.</summary>
    Busy = 16,

    /// <summary><c>EEXIST</c>: it is there already.</summary>
    AlreadyExists = 17,

    /// <summary><c>ENODEV</c>: there is no device, or no ioas for the VFIO calls.</summary>
    NoDevice = 19,

    /// <summary><c>EINVAL</c>: the arguments do not fit.</summary>
    Invalid = 22,

    /// <summary><c>EMFILE</c>: the process has as many file descriptors as it may.</summary>
    TooManyFiles = 24,

    /// <summary><c>ENOTTY</c>: there is no such ioctl.</summary>
    NotATypewriter = 25,

    /// <summary><c>ENOSPC</c>: no range of iovas is free.</summary>
    NoSpace = 28,

    /// <summary><c>ESPIPE</c>: a read or write has not the length of whole records.</summary>
    IllegalSeek = 29,

    /// <summary><c>ERANGE</c>: a number is out of range.</summary>
    Range = 34,

    /// <summary><c>EDEADLOCK</c>: an access does not give its pins back.</summary>
    Deadlock = 35,

    /// <summary><c>ENOMSG</c>: there is nothing to read yet.</summary>
    NoMessage = 42,

    /// <summary><c>EBADE</c>: a check of the test backend found other pages.</summary>
    BadExchange = 52,

    /// <summary><c>EOVERFLOW</c>: a range wraps.</summary>
    Overflow = 75,

    /// <summary><c>EBADFD</c>: the file descriptor stands for something else.</summary>
    BadDescriptorState = 77,

    /// <summary><c>EMSGSIZE</c>: the answer is longer than the room for it.</summary>
    MessageTooLong = 90,

    /// <summary><c>EOPNOTSUPP</c>: a value, a flag or a reserved field is not supported.</summary>
    NotSupported = 95,

    /// <summary><c>EADDRINUSE</c>: the range collides with mappings or with allowed iovas.</summary>
    AddressInUse = 98,

    /// <summary><c>ETIMEDOUT</c>: the hardware did not answer.</summary>
    TimedOut = 110,
}
