namespace FastIova;

/// <summary>
/// An address space for devices: IOVAs mapped to memory of this process. What a Linux kernel calls a paging domain or
/// hardware page table (hwpt).
/// </summary>
/// <remarks>
/// <para>Owns: its page table, and a hold on the epoch that it shares with the ports.</para>
/// <para>Invariants. The promise of unmap: when <see cref="Unmap(ulong, ulong)"/> returns, no translation handed out before
/// is still in use, and none will be handed out again. What is refused changes nothing.</para>
/// <para>Threads: any; writers take turns on a lock that is never held while waiting. Never change a domain from inside an
/// own <c>DmaScope</c>: an unmap would wait for itself.</para>
/// <para>Teardown: close the ports first; <see cref="Dispose"/> never fails.</para>
/// </remarks>
public sealed partial class Domain : IEpochHolder, IDisposable
{
    private readonly WriterLock _writer = new(LockRank.Domain);
    private readonly Epoch _epoch;
    private readonly PageTable _table;
    private int _attached;
    private bool _disposed;
    private bool _isReady;

    internal Domain(Epoch epoch, DomainOptions options)
    {
        Options = options;
        _epoch = epoch;
        epoch.Hold(this);
        try
        {
            _table = CreateTable(options);
            Volatile.Write(ref _isReady, true);
        }
        catch
        {
            epoch.LetGo(this);
            throw;
        }
    }

    /// <summary>What the domain was made of.</summary>
    public DomainOptions Options { get; }

    /// <summary>The bytes that are mapped.</summary>
    public ulong MappedBytes => _table.MappedBytes;

    /// <summary>The memory that the page table has touched and not given back, in bytes.</summary>
    public ulong TableBytes => _table.BytesTouched;

    /// <summary>The leaf tables in use; zero after everything is unmapped and <see cref="Trim"/> has run.</summary>
    public ulong TableFrames => _table.FramesInUse;

    /// <summary>Whether writes of devices mark pages dirty. Off until <see cref="TrackDirty"/> turns it on.</summary>
    public bool TracksDirty => _table.TracksDirty;

    internal PageTable Table => _table;

    internal Epoch Epoch => _epoch;

    // The lock of the writers, refused to those who come too late.
    private WriterLock Writer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _writer;
        }
    }

    /// <summary>Maps memory of this process for devices.</summary>
    /// <param name="iova">The first I/O virtual address, a multiple of the granule.</param>
    /// <param name="host">The host address of the first byte, a multiple of the granule. The memory stays mapped in this process until it is unmapped here.</param>
    /// <param name="length">Bytes, a multiple of the granule.</param>
    /// <param name="permission">What devices may do.</param>
    /// <exception cref="MapRefusedException">A rule was broken; the exception names it. Nothing was changed.</exception>
    public void Map(ulong iova, nuint host, ulong length, Permission permission)
    {
        MapStatus status = TryMap(iova, host, length, permission);
        if (status != MapStatus.Success)
        {
            DomainError.MapRefused_Status(status, iova, host, length, permission, this);
        }
    }

    /// <summary>Maps memory of this process for devices, or says why not. Asks the kernel whether the host range is mapped (about 0.2 µs).</summary>
    /// <param name="iova">The first I/O virtual address, a multiple of the granule.</param>
    /// <param name="host">The host address of the first byte, a multiple of the granule.</param>
    /// <param name="length">Bytes, a multiple of the granule.</param>
    /// <param name="permission">What devices may do.</param>
    /// <returns>The outcome; anything but success has changed nothing.</returns>
    public MapStatus TryMap(ulong iova, nuint host, ulong length, Permission permission)
    {
        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            return length == 0 ? MapStatus.ZeroLength : MapStatus.Wraps;
        }

        if (host + span.LengthLessOne < host)
        {
            return MapStatus.Wraps;
        }

        // The cheap rules come first, so that the message names the first thing to mend; the table checks them again.
        ulong offset = _table.Granule - 1;
        if (((iova | host | length) & offset) == 0 && !HostRange.IsMapped(host, span.LengthLessOne))
        {
            return MapStatus.HostNotMapped;
        }

        return MapChecked(span, host, permission);
    }

    /// <summary>Maps part of registered memory for devices, or says why not. No system call.</summary>
    /// <param name="iova">The first I/O virtual address, a multiple of the granule.</param>
    /// <param name="memory">The memory; it outlives the mapping.</param>
    /// <param name="offset">Where the part begins, so that the host address is a multiple of the granule.</param>
    /// <param name="length">Bytes, a multiple of the granule.</param>
    /// <param name="permission">What devices may do.</param>
    /// <returns>The outcome; anything but success has changed nothing.</returns>
    /// <exception cref="ArgumentNullException">The memory is null.</exception>
    public MapStatus TryMap(ulong iova, HostMemory memory, ulong offset, ulong length, Permission permission)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            return length == 0 ? MapStatus.ZeroLength : MapStatus.Wraps;
        }

        return memory.Contains(offset, length) ? MapChecked(span, memory.Address + (nuint)offset, permission) : MapStatus.HostNotMapped;
    }

    /// <summary>Takes every mapping in a range away and waits until no device uses one of them any more. Holes are skipped.</summary>
    /// <param name="iova">The first address, a multiple of the granule.</param>
    /// <param name="length">Bytes, a multiple of the granule. A large page across an end is split.</param>
    /// <returns>The bytes that were mapped.</returns>
    /// <exception cref="MapRefusedException">A rule was broken; the exception names it. Nothing was changed.</exception>
    public ulong Unmap(ulong iova, ulong length)
    {
        MapStatus status = TryUnmap(iova, length, out ulong bytes);
        if (status != MapStatus.Success)
        {
            DomainError.MapRefused_Status(status, iova, 0, length, Permission.None, this);
        }

        return bytes;
    }

    /// <summary>Does <see cref="Unmap(ulong, ulong)"/> or says why not.</summary>
    /// <param name="iova">The first address, a multiple of the granule.</param>
    /// <param name="length">Bytes, a multiple of the granule.</param>
    /// <param name="bytes">The bytes that were mapped.</param>
    /// <returns>The outcome; anything but success has changed nothing.</returns>
    public MapStatus TryUnmap(ulong iova, ulong length, out ulong bytes)
    {
        bytes = 0;
        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            return length == 0 ? MapStatus.ZeroLength : MapStatus.Wraps;
        }

        return TryUnmap(new ReadOnlySpan<IovaSpan>(in span), out bytes, out _);
    }

    /// <summary>Gives every mapping in a range another permission, and waits until nobody uses the old one. Holes are skipped.</summary>
    /// <param name="iova">The first address, a multiple of the granule.</param>
    /// <param name="length">Bytes, a multiple of the granule. A large page across an end is split.</param>
    /// <param name="permission">What devices may do from now on.</param>
    /// <param name="bytes">The bytes that are mapped in the range.</param>
    /// <returns>The outcome; anything but success has changed nothing.</returns>
    public MapStatus TryProtect(ulong iova, ulong length, Permission permission, out ulong bytes)
    {
        bytes = 0;
        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            return length == 0 ? MapStatus.ZeroLength : MapStatus.Wraps;
        }

        MapStatus status;
        using (Writer.Enter())
        {
            status = _table.Protect(span, permission, out bytes);
        }

        if (status == MapStatus.Success)
        {
            UnmapOrder.Flush(Writer, _table, _epoch, span);
        }

        return status;
    }

    /// <summary>Turns the marking of written pages on or off.</summary>
    /// <param name="on">On: from here on every write of a device marks its page. Off: marks are left as they are.</param>
    public void TrackDirty(bool on)
    {
        using (Writer.Enter())
        {
            _table.TracksDirty = on;
        }

        // Ports may hold permission to write pages without a mark: they must ask the table again.
        UnmapOrder.Flush(Writer, _table, _epoch, new IovaSpan(0, ulong.MaxValue));
    }

    /// <summary>
    /// Reads which pages were written. A page that is written while this runs is reported now or by the next call, never
    /// lost: whoever copies the reported pages after the call copies what was written before it returned.
    /// </summary>
    /// <param name="iova">The first address, a multiple of the bitmap's page and of the granule.</param>
    /// <param name="length">Bytes, a multiple of the bitmap's page and of the granule.</param>
    /// <param name="pageLg2">The log2 of the bytes that one bit stands for.</param>
    /// <param name="bitmap">Bit <c>n</c> of the sequence is set for a page that was written; others are left alone. A larger page of the table sets every bit it covers.</param>
    /// <param name="clear">Whether the pages count as unwritten from here on. A written large page across an end of the range is split, so that the rest of it still counts as written.</param>
    /// <returns>The bits that were clear and are set now.</returns>
    /// <exception cref="MapRefusedException">The range is misaligned, empty, wraps or leaves the aperture.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The page size is out of range.</exception>
    /// <exception cref="ArgumentException">The bitmap is too short.</exception>
    public ulong ReadDirty(ulong iova, ulong length, int pageLg2, Span<ulong> bitmap, bool clear)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pageLg2, 10);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pageLg2, 62);
        ulong offset = ((1UL << pageLg2) - 1) | (_table.Granule - 1);
        MapStatus status = length == 0 ? MapStatus.ZeroLength
            : !IovaSpan.TryCreate(iova, length, out IovaSpan span) ? MapStatus.Wraps
            : ((iova | length) & offset) != 0 ? MapStatus.Misaligned
            : !Options.Aperture.Contains(span) ? MapStatus.OutsideAperture
            : MapStatus.Success;
        if (status != MapStatus.Success)
        {
            DomainError.MapRefused_Status(status, iova, 0, length, Permission.None, this);
        }

        if ((ulong)bitmap.Length * 64 < length >> pageLg2)
        {
            throw new ArgumentException(
                $"A bitmap of {bitmap.Length} words is too short for {length >> pageLg2} pages: give one bit for each page.",
                nameof(bitmap));
        }

        span = new IovaSpan(iova, iova + length - 1);
        var sink = new DirtyBitmap(span, pageLg2, bitmap);
        using (Writer.Enter())
        {
            _table.ScanDirty(span, clear, ref sink);
        }

        if (clear && sink.IsAnyDirty)
        {
            UnmapOrder.Flush(Writer, _table, _epoch, span);
        }

        return sink.Bits;
    }

    /// <summary>Frees the leaf tables in which nothing is mapped. They are kept until then, because mapping into them again is fast.</summary>
    /// <returns>How many were freed.</returns>
    public int Trim()
    {
        int trimmed;
        using (Writer.Enter())
        {
            trimmed = _table.Trim();
        }

        UnmapOrder.Release(Writer, _table, _epoch);
        return trimmed;
    }

    /// <summary>Gives the memory of the page table back. The second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A port is still attached; nothing was changed.</exception>
    public void Dispose()
    {
        using (_writer.Enter())
        {
            if (_attached != 0)
            {
                throw new InvalidOperationException($"{_attached} attachments still use this domain: detach or dispose their ports first.");
            }

            if (!_disposed)
            {
                _disposed = true;
                _epoch.LetGo(this); // before the table goes: nobody asks for its size any more
                _table.Dispose();
            }
        }
    }

    /// <summary>Counts an attachment, which keeps the domain from being disposed.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    internal void Hold()
    {
        using (Writer.Enter())
        {
            _attached++;
        }
    }

    /// <summary>Ends an attachment.</summary>
    internal void LetGo()
    {
        using (_writer.Enter())
        {
            _attached--;
        }
    }

    private static PageTable CreateTable(DomainOptions options)
    {
        int widest = options.Shape == TableShape.Linear ? LinearTable<Granule4K>.WidestLinearLg2 : PageTable.WidestApertureLg2;
        if (options.Aperture.First > options.Aperture.Last || options.Aperture.Last >> widest != 0)
        {
            DomainError.Argument_Aperture(options, widest);
        }

        if (options.LargestPageLg2 < (int)options.Granule || options.LargestPageLg2 > 63)
        {
            DomainError.Argument_LargestPage(options);
        }

        return (options.Granule, options.Shape) switch
        {
            (Granule.Size4K, TableShape.TwoLevel) => Radix<Granule4K>(options),
            (Granule.Size2K, TableShape.TwoLevel) => Radix<Granule2K>(options),
            (Granule.Size16K, TableShape.TwoLevel) => Radix<Granule16K>(options),
            (Granule.Size64K, TableShape.TwoLevel) => Radix<Granule64K>(options),
            (Granule.Size4K, TableShape.Linear) => new LinearTable<Granule4K>(options.Aperture, options.HugePageTables),
            (Granule.Size2K, TableShape.Linear) => new LinearTable<Granule2K>(options.Aperture, options.HugePageTables),
            (Granule.Size16K, TableShape.Linear) => new LinearTable<Granule16K>(options.Aperture, options.HugePageTables),
            (Granule.Size64K, TableShape.Linear) => new LinearTable<Granule64K>(options.Aperture, options.HugePageTables),
            _ => throw new ArgumentException($"Granule {options.Granule} or shape {options.Shape} does not exist: use the values of the enums.", nameof(options)),
        };
    }

    private static RadixTable<TFormat> Radix<TFormat>(DomainOptions options)
        where TFormat : IPtFormat => new(options.Aperture, Math.Min(options.LargestPageLg2, 62), options.HugePageTables);

    private MapStatus MapChecked(IovaSpan span, nuint host, Permission permission)
    {
        if (permission == PtWord.NoAccess)
        {
            return MapStatus.BadPermission; // not a value for others
        }

        using (Writer.Enter())
        {
            MapStatus status = _table.Map(span, host, permission);
            Count(status, span, permission);
            return status;
        }
    }
}
