namespace FastIova;

/// <content>Changes by the list: what costs most of a short one, the lock or the grace period, is paid once.</content>
public sealed partial class Domain
{
    /// <summary>Maps many parts of registered memory under one hold of the lock.</summary>
    /// <param name="ranges">The mappings, in order.</param>
    /// <param name="memory">The memory; it outlives the mappings.</param>
    /// <param name="refused">The index of the range that broke a rule, when one did.</param>
    /// <returns>The outcome; anything but success has changed nothing.</returns>
    /// <exception cref="ArgumentNullException">The memory is null.</exception>
    public MapStatus TryMap(ReadOnlySpan<MapRange> ranges, HostMemory memory, out int refused)
    {
        ArgumentNullException.ThrowIfNull(memory);
        MapStatus status = MapStatus.Success;
        using (Writer.Enter())
        {
            for (refused = 0; refused < ranges.Length; refused++)
            {
                ref readonly MapRange range = ref ranges[refused];
                status = !IovaSpan.TryCreate(range.Iova, range.Length, out IovaSpan span) ? range.Length == 0 ? MapStatus.ZeroLength : MapStatus.Wraps
                    : !memory.Contains(range.Offset, range.Length) ? MapStatus.HostNotMapped
                    : _table.Map(span, memory.Address + (nuint)range.Offset, range.Permission);
                if (status != MapStatus.Success)
                {
                    TakeBack(ranges[..refused]);
                    break;
                }
            }

            Count(status, ranges);
        }

        if (status != MapStatus.Success && refused != 0)
        {
            // The first ones were visible for a moment.
            UnmapOrder.Flush(Writer, _table, _epoch, new IovaSpan(0, ulong.MaxValue));
        }

        return status;
    }

    /// <summary>Maps many single granules of registered memory, each to its own place, at a few nanoseconds each.</summary>
    /// <param name="iovas">The I/O virtual addresses, multiples of the granule, none of them mapped, none twice.</param>
    /// <param name="memory">The memory; it outlives the mappings.</param>
    /// <param name="hosts">As many host addresses inside the memory, multiples of the granule.</param>
    /// <param name="permission">What devices may do.</param>
    /// <returns>The outcome; anything but success has changed nothing.</returns>
    /// <exception cref="ArgumentNullException">The memory is null.</exception>
    public MapStatus TryMapScattered(ReadOnlySpan<ulong> iovas, HostMemory memory, ReadOnlySpan<ulong> hosts, Permission permission)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ulong granule = _table.Granule;
        foreach (ulong host in hosts)
        {
            if (!memory.Contains(host - memory.Address, granule))
            {
                return MapStatus.HostNotMapped;
            }
        }

        MapStatus status;
        using (Writer.Enter())
        {
            status = _table.MapScattered(iovas, hosts, permission);
            Count(status, iovas, permission);
        }

        if (status == MapStatus.Overlap)
        {
            // The list may have been visible in part for a moment.
            UnmapOrder.Flush(Writer, _table, _epoch, new IovaSpan(0, ulong.MaxValue));
        }

        return status;
    }

    /// <summary>Unmaps many ranges with one grace period: some nanoseconds each where one alone costs half a microsecond.</summary>
    /// <param name="spans">The ranges; first and end are multiples of the granule.</param>
    /// <param name="bytes">The bytes that were mapped.</param>
    /// <param name="refused">The index of the range that broke a rule, when one did.</param>
    /// <returns>The outcome; anything but success has changed nothing.</returns>
    public MapStatus TryUnmap(ReadOnlySpan<IovaSpan> spans, out ulong bytes, out int refused) =>
        UnmapOrder.Unmap(Writer, _table, _epoch, spans, out bytes, out refused);

    private void TakeBack(ReadOnlySpan<MapRange> mapped)
    {
        foreach (ref readonly MapRange range in mapped)
        {
            _ = _table.Unmap(IovaSpan.Of(range.Iova, range.Length), out _);
        }
    }
}
