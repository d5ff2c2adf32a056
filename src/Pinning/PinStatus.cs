namespace FastIova;

/// <summary>Why memory could not be pinned.</summary>
internal enum PinStatus
{
    /// <summary>It was.</summary>
    Success = 0,

    /// <summary>Some page is not there, or does not allow what the pin wants (EFAULT).</summary>
    BadAddress = 1,

    /// <summary>The limit of locked memory is reached, or memory ran out (ENOMEM).</summary>
    OutOfMemory = 2,

    /// <summary>The process is gone (EFAULT at the first pin).</summary>
    ProcessGone = 3,

    /// <summary>The file is none that can be pinned, or ends before the pages do (EINVAL).</summary>
    Invalid = 4,

    /// <summary>The file system has no room for the pages (ENOSPC).</summary>
    NoSpace = 5,
}
