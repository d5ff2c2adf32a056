using System.Runtime.InteropServices;

namespace FastIova;

/// <content>VFIO_IOMMU_UNMAP_DMA: entries go whole, or only their addresses are suspended.</content>
internal sealed partial class Type1Iommu
{
    private Errno UnmapDma(Caller caller, in CallArgument argument)
    {
        const uint Known = VfioConstants.UnmapGetDirty | VfioConstants.UnmapAll | VfioConstants.UnmapVaddr;
        int bytes = Marshal.SizeOf<VfioDmaUnmap>();
        Errno errno = VfioArgument.Read(argument, bytes, out VfioDmaUnmap unmap);
        if (errno != Errno.Success)
        {
            return errno;
        }

        bool tellsDirty = (unmap.Flags & VfioConstants.UnmapGetDirty) != 0;
        if ((unmap.Flags & ~Known) != 0 || (tellsDirty && unmap.Flags != VfioConstants.UnmapGetDirty))
        {
            return Errno.Invalid;
        }

        VfioBitmap bitmap = default;
        if (tellsDirty)
        {
            errno = ReadBitmap(argument, unmap, out bitmap);
            if (errno != Errno.Success)
            {
                return errno;
            }
        }

        ulong unmapped;
        lock (_lock)
        {
            errno = Unmap(caller, unmap, bitmap, out unmapped);
        }

        unmap.Bytes = unmapped;
        return errno != Errno.Success ? errno : VfioArgument.Write(argument, unmap, bytes);
    }

    private static Errno ReadBitmap(in CallArgument argument, in VfioDmaUnmap unmap, out VfioBitmap bitmap)
    {
        bitmap = default;
        int head = Marshal.SizeOf<VfioDmaUnmap>();
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<VfioBitmap>(ref bitmap));
        return unmap.ArgSz < (uint)(head + bytes.Length) ? Errno.Invalid
            : !argument.TryRead((ulong)head, bytes) ? Errno.BadAddress
            : Type1Bitmap.Check(bitmap, unmap.Bytes);
    }

    private Errno Unmap(Caller caller, in VfioDmaUnmap unmap, in VfioBitmap bitmap, out ulong unmapped)
    {
        unmapped = 0;
        bool suspends = (unmap.Flags & VfioConstants.UnmapVaddr) != 0;
        if (suspends && _emulated.Count != 0)
        {
            return Errno.Busy;
        }

        Errno errno = CheckRange(unmap, out IovaSpan span);
        if (errno != Errno.Success)
        {
            return errno;
        }

        bool tellsDirty = (unmap.Flags & VfioConstants.UnmapGetDirty) != 0;
        bool isAll = (unmap.Flags & VfioConstants.UnmapAll) != 0;
        if (_isReleased || (tellsDirty && (!_tracksDirty || bitmap.PgSize != SmallestPage)) || (_isV2 && !isAll && Cuts(span)))
        {
            return Errno.Invalid;
        }

        List<Type1Entry> entries = EntriesOf(span);
        if (suspends)
        {
            return Suspend(entries, out unmapped);
        }

        // What could not be told stays, and what comes behind it.
        int told = entries.Count;
        for (int i = 0; tellsDirty && i < told; i++)
        {
            told = Tell(caller, bitmap, span.First, entries[i]) ? told : i;
        }

        errno = Remove(CollectionsMarshal.AsSpan(entries)[..told], out unmapped);
        return errno != Errno.Success ? errno : told != entries.Count ? Errno.BadAddress : Errno.Success;
    }

    private Errno CheckRange(in VfioDmaUnmap unmap, out IovaSpan span)
    {
        span = new IovaSpan(0, ulong.MaxValue);
        ulong offset = SmallestPage - 1;
        if ((unmap.Iova & offset) != 0)
        {
            return Errno.Invalid;
        }

        if ((unmap.Flags & VfioConstants.UnmapAll) != 0)
        {
            return (unmap.Iova | unmap.Bytes) != 0 ? Errno.Invalid : Errno.Success;
        }

        if (unmap.Bytes == 0 || (unmap.Bytes & offset) != 0)
        {
            return Errno.Invalid;
        }

        return IovaSpan.TryCreate(unmap.Iova, unmap.Bytes, out span) ? Errno.Success
            : Has(UapiChange.Type1WrapOverflows) ? Errno.Overflow
            : Errno.Invalid;
    }

    private bool Cuts(IovaSpan span) =>
        (_entries.FirstIn(span.First, span.First) is { } lowest && lowest.Span.First != span.First)
        || (_entries.FirstIn(span.Last, span.Last) is { } highest && highest.Span.Last != span.Last);

    // Those that begin in the span. In version 1 one that begins below it and reaches into it hides all the others.
    private List<Type1Entry> EntriesOf(IovaSpan span)
    {
        List<Type1Entry> found = [];
        Type1Entry? entry = _entries.FirstIn(span.First, span.Last);
        while (entry is not null && entry.Span.First >= span.First)
        {
            found.Add(entry);
            entry = entry.Span.Last >= span.Last ? null : _entries.FirstIn(entry.Span.Last + 1, span.Last);
        }

        return found;
    }

    private Errno Suspend(List<Type1Entry> entries, out ulong suspended)
    {
        suspended = 0;
        if (entries.Exists(entry => entry.IsSuspended))
        {
            return Errno.Invalid;
        }

        foreach (Type1Entry entry in entries)
        {
            entry.IsSuspended = true;
            suspended += entry.Span.LengthLessOne + 1;
        }

        _suspended += entries.Count;
        return Errno.Success;
    }

    /// <summary>Takes neighbouring entries away, with as few waits as the ioas can.</summary>
    /// <param name="entries">Ascending; none lies between them that is not among them.</param>
    /// <param name="removed">The bytes that were mapped.</param>
    /// <returns>Why an access did not give its pins back; the entries from there on stay.</returns>
    private Errno Remove(ReadOnlySpan<Type1Entry> entries, out ulong removed)
    {
        removed = 0;
        if (entries.IsEmpty)
        {
            return Errno.Success;
        }

        ulong first = entries[0].Span.First;
        ulong lengthLessOne = entries[^1].Span.Last - first;
        IoasStatus status = lengthLessOne == ulong.MaxValue ? Space.UnmapAll(out removed) : Space.Unmap(first, lengthLessOne + 1, out removed);
        ulong left = removed;
        foreach (Type1Entry entry in entries)
        {
            if (left <= entry.Span.LengthLessOne)
            {
                break;
            }

            left -= entry.Span.LengthLessOne + 1;
            _entries.Remove(entry.Span.First);
            _avail++;
            _suspended -= entry.IsSuspended ? 1 : 0;
        }

        return status.ToErrno();
    }

    private void RemoveAll() => _ = Remove(CollectionsMarshal.AsSpan(EntriesOf(new IovaSpan(0, ulong.MaxValue))), out _);
}
