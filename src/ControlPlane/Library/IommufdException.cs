namespace FastIova;

/// <summary>A call that was refused. Nothing was changed, unless the method says otherwise.</summary>
public sealed class IommufdException : Exception
{
    internal IommufdException(string call, Errno errno)
        : base($"{call} was refused with {errno.Name()}: {errno.Meaning()}") => Errno = errno;

    /// <summary>What an ioctl would have answered.</summary>
    public Errno Errno { get; }
}
