namespace FastIova;

/// <summary>A part of a file, mapped shared into this process.</summary>
/// <remarks>
/// Owns: the mapping. It may reach beyond the end of the file; what lies there cannot be accessed.
/// Threads: any.
/// </remarks>
internal sealed unsafe class FileWindow : IDisposable
{
    private int _disposed;

    private FileWindow(ulong address, ulong offset, ulong bytes, bool isWritable)
    {
        Address = address;
        Offset = offset;
        Bytes = bytes;
        IsWritable = isWritable;
    }

    /// <summary>Where it lies.</summary>
    internal ulong Address { get; }

    /// <summary>The offset in the file of its first byte.</summary>
    internal ulong Offset { get; }

    /// <summary>Its length.</summary>
    internal ulong Bytes { get; }

    /// <summary>Whether it can be written.</summary>
    internal bool IsWritable { get; }

    /// <summary>Maps a part of a file. Nothing is reserved: a page exists when it is touched.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where the part begins, a multiple of the file's page size.</param>
    /// <param name="bytes">Its length, likewise.</param>
    /// <param name="isWritable">Whether to write, too.</param>
    /// <returns>Null when the file does not allow it.</returns>
    internal static FileWindow? TryMap(Descriptor file, ulong offset, ulong bytes, bool isWritable)
    {
        int protection = Libc.ProtRead | (isWritable ? Libc.ProtWrite : 0);

        // SAFETY: the kernel chooses the place; the mapping lives until Dispose.
        nint address = Libc.MemoryMap(0, (nuint)bytes, protection, Libc.MapShared | Libc.MapNoReserve, file.Number, (long)offset);
        return address == Libc.MapFailed ? null : new FileWindow((ulong)address, offset, bytes, isWritable);
    }

    /// <summary>Unmaps it. Nobody may use an address of it any more. The second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _ = Libc.MemoryUnmap((nint)Address, (nuint)Bytes);
        }
    }
}
