namespace FastIova.KernelTraces;

/// <summary>What answers the calls of a trace. Results are those of the system calls, or a negative errno.</summary>
internal interface ITarget : IDisposable
{
    /// <summary>Begins a trace: a fresh process without anything open.</summary>
    void Begin(Credentials credentials);

    /// <summary>Opens the device.</summary>
    long Open(string path);

    /// <summary>Takes rights away after the device was opened, as the recorder does.</summary>
    void Restrict();

    long Ioctl(int fd, uint request, ulong argument);

    long Close(int fd);

    long Read(int fd, ulong buffer, ulong count);

    long Write(int fd, ulong buffer, ulong count);

    /// <summary>poll for input and output without waiting.</summary>
    long Poll(int fd, out int returned);

    /// <summary>What the engine still holds after every file was closed; null when that is nothing, or cannot be asked.</summary>
    string? HeldAtEnd();
}
