namespace FastIova;

/// <summary>A part of a file, mapped shared into this process.</summary>
/// <remarks>
/// Owns: the mapping, and a place in <see cref="WindowGuard"/>. It may reach beyond the end of the file, or the file may become shorter
/// later: the first access there tears it.
/// Threads: any.
/// </remarks>
internal sealed unsafe class FileWindow : IDisposable
{
    private const ulong LargePageBytes = 2UL << 20;

    private readonly int _place;
    private int _disposed;

    private FileWindow(int place, ulong address, ulong offset, ulong bytes, bool isWritable)
    {
        _place = place;
        WindowGuard.Guard(place, address, bytes);
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

    /// <summary>Whether it shows zeros that are nobody else's, since its file became shorter than what was accessed.</summary>
    internal bool IsTorn => WindowGuard.IsTorn(_place);

    /// <summary>Maps a part of a file. Nothing is reserved: a page exists when it is touched.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where the part begins, a multiple of the file's page size.</param>
    /// <param name="bytes">Its length, likewise.</param>
    /// <param name="isWritable">Whether to write, too.</param>
    /// <param name="isHuge">Whether its pages are huge: the kernel then knows where they fit.</param>
    /// <returns>Null when the file does not allow it, or there are too many windows.</returns>
    internal static FileWindow? TryMap(Descriptor file, ulong offset, ulong bytes, bool isWritable, bool isHuge)
    {
        int protection = Libc.ProtRead | (isWritable ? Libc.ProtWrite : 0);
        const int Flags = Libc.MapShared | Libc.MapNoReserve;
        int guard = WindowGuard.TryTake();
        if (guard < 0)
        {
            return null;
        }

        nint place = isHuge ? 0 : Reserve(bytes);
        if (place == Libc.MapFailed)
        {
            WindowGuard.GiveBack(guard);
            return null;
        }

        // SAFETY: huge pages go where the kernel finds room, others over the place that was reserved for them. It lives until Dispose.
        nint address = Libc.MemoryMap(place, (nuint)bytes, protection, isHuge ? Flags : Flags | Libc.MapFixed, file.Number, (long)offset);
        if (address != Libc.MapFailed)
        {
            return new FileWindow(guard, (ulong)address, offset, bytes, isWritable);
        }

        WindowGuard.GiveBack(guard);
        if (!isHuge)
        {
            GiveBack((ulong)place, (ulong)place + bytes);
        }

        return null;
    }

    /// <summary>Unmaps it. Nobody may use an address of it any more. The second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            WindowGuard.GiveBack(_place);
            _ = Libc.MemoryUnmap((nint)Address, (nuint)Bytes);
        }
    }

    /// <summary>Takes address space that begins a large page, so that tables can name large pages of the file by one word.</summary>
    private static nint Reserve(ulong bytes)
    {
        const int Flags = Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve;

        // Linux aligns anonymous memory of this size by itself, since 6.7.
        nint place = Libc.MemoryMap(0, (nuint)bytes, Libc.ProtNone, Flags, -1, 0);
        if (place == Libc.MapFailed || ((ulong)place & (LargePageBytes - 1)) == 0)
        {
            return place;
        }

        GiveBack((ulong)place, (ulong)place + bytes);
        ulong room = bytes + LargePageBytes;
        place = Libc.MemoryMap(0, (nuint)room, Libc.ProtNone, Flags, -1, 0);
        if (place == Libc.MapFailed)
        {
            return place;
        }

        ulong start = ((ulong)place + LargePageBytes - 1) & ~(LargePageBytes - 1);
        GiveBack((ulong)place, start);
        GiveBack(start + bytes, (ulong)place + room);
        return (nint)start;
    }

    private static void GiveBack(ulong first, ulong end)
    {
        if (first != end)
        {
            // SAFETY: address space that was taken here, and in which no window lies.
            _ = Libc.MemoryUnmap((nint)first, (nuint)(end - first));
        }
    }
}
