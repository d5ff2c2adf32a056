namespace FastIova;

/// <summary>A part of a file, mapped shared into this process.</summary>
/// <remarks>
/// Owns: the mapping. It may reach beyond the end of the file; what lies there cannot be accessed.
/// Threads: any.
/// </remarks>
internal sealed unsafe class FileWindow : IDisposable
{
    private const ulong LargePageBytes = 2UL << 20;

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
    /// <param name="isHuge">Whether its pages are huge: the kernel then knows where they fit.</param>
    /// <returns>Null when the file does not allow it.</returns>
    internal static FileWindow? TryMap(Descriptor file, ulong offset, ulong bytes, bool isWritable, bool isHuge)
    {
        int protection = Libc.ProtRead | (isWritable ? Libc.ProtWrite : 0);
        const int Flags = Libc.MapShared | Libc.MapNoReserve;
        ulong room = isHuge ? 0 : bytes + LargePageBytes;

        // SAFETY: the kernel chooses the place, of which the mapping takes a part that begins a large page, so that tables can
        // name it by one word; the rest is given back. It lives until Dispose.
        nint place = isHuge ? 0 : Libc.MemoryMap(0, (nuint)room, Libc.ProtNone, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1, 0);
        if (place == Libc.MapFailed)
        {
            return null;
        }

        ulong start = ((ulong)place + LargePageBytes - 1) & ~(LargePageBytes - 1);
        nint address = Libc.MemoryMap(isHuge ? 0 : (nint)start, (nuint)bytes, protection, isHuge ? Flags : Flags | Libc.MapFixed, file.Number, (long)offset);
        if (address == Libc.MapFailed)
        {
            _ = isHuge ? 0 : Libc.MemoryUnmap(place, (nuint)room);
            return null;
        }

        if (!isHuge)
        {
            GiveBack((ulong)place, start);
            GiveBack(start + bytes, (ulong)place + room);
        }

        return new FileWindow((ulong)address, offset, bytes, isWritable);
    }

    /// <summary>Unmaps it. Nobody may use an address of it any more. The second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _ = Libc.MemoryUnmap((nint)Address, (nuint)Bytes);
        }
    }

    private static void GiveBack(ulong first, ulong end)
    {
        if (first != end)
        {
            // SAFETY: a part of the place that was taken for the window, and not of the window.
            _ = Libc.MemoryUnmap((nint)first, (nuint)(end - first));
        }
    }
}
