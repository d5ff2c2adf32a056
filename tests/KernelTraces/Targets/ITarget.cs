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

    /// <summary>Takes a descriptor of this process over, as one of the process that is played.</summary>
    /// <returns>Its number there.</returns>
    int Adopt(int descriptor);

    /// <summary>mmap, anywhere.</summary>
    /// <param name="fd">The file.</param>
    /// <param name="offset">Bytes.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="protection">PROT_*.</param>
    /// <param name="flags">MAP_*.</param>
    /// <param name="address">Where it is mapped in this process.</param>
    long Map(int fd, ulong offset, ulong length, int protection, int flags, out ulong address);

    long Unmap(ulong address, ulong length);

    /// <summary>poll for input and output without waiting.</summary>
    long Poll(int fd, out int returned);

    /// <summary>What the engine still holds after every file was closed; null when that is nothing, or cannot be asked.</summary>
    string? HeldAtEnd();
}
