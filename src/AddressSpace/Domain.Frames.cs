using System.Diagnostics;

namespace FastIova;

/// <content>The domain of an ioas: frames in it, whatever stands behind them.</content>
public sealed partial class Domain
{
    /// <summary>The frame of the page at an address, the offset of the address in that frame, and the permission.</summary>
    /// <returns>False when nothing is mapped there.</returns>
    internal bool TryFrameAt(ulong iova, out Frame frame, out ulong offset, out Permission permission)
    {
        frame = default;
        offset = 0;
        permission = Permission.None;
        PtWord word;
        int pageLg2;
        using (Writer.Enter())
        {
            // Under the lock, because that is when tables are freed.
            word = _table.Walk(iova, out pageLg2);
        }

        if (word.IsAbsent)
        {
            return false;
        }

        // A huge page is a row of large words, each with the address of its own part.
        pageLg2 = word.IsLarge ? Math.Min(pageLg2, _table.LargeLg2) : pageLg2;
        ulong mask = (1UL << pageLg2) - 1;
        ulong address = (word.Host & ~mask) | (iova & mask);
        offset = address & (Frame.PageBytes - 1);
        frame = new Frame(address - offset);
        permission = word.Permission;
        return true;
    }

    /// <summary>The frame of the page at an address, and the permission.</summary>
    /// <returns>False when nothing is mapped there.</returns>
    internal bool TryFrameAt(ulong iova, out Frame frame, out Permission permission) => TryFrameAt(iova, out frame, out _, out permission);

    /// <summary>Marks the page at an address dirty, as a device that writes does, whether or not the domain tracks writes.</summary>
    /// <returns>False when nothing is mapped there.</returns>
    internal bool MarkDirty(ulong iova)
    {
        using (Writer.Enter())
        {
            return _table.MarkDirty(iova);
        }
    }

    /// <summary>Maps neighbouring frames.</summary>
    /// <param name="span">Granules inside the aperture, nothing of it mapped.</param>
    /// <param name="first">The frame behind the first address.</param>
    /// <param name="offset">The offset of the first address in it, a multiple of the granule.</param>
    /// <param name="permission">Any, even none unless the domain needs one.</param>
    /// <param name="large">Whether large pages may be used; without them every part of the span can be unmapped alone, without fail.</param>
    /// <returns>The outcome; anything but success may have mapped a part, which the caller takes away.</returns>
    internal MapStatus MapFrames(IovaSpan span, Frame first, ulong offset, Permission permission, bool large)
    {
        if (FaultPoint.Fails())
        {
            return MapStatus.OutOfMemory;
        }

        if (permission == Permission.None)
        {
            if (Options.NeedsPermission)
            {
                return MapStatus.BadPermission;
            }

            permission = PtWord.NoAccess;
        }

        return Physical is not null ? MapPhysical(span, first, permission) : MapWords(span, first.Word + offset, permission, large);
    }

    private MapStatus MapWords(IovaSpan span, ulong word, Permission permission, bool large)
    {
        using (Writer.Enter())
        {
            if (large || span.LengthLessOne < (1UL << _table.LargeLg2) - 1)
            {
                MapStatus whole = _table.Map(span, word, permission);
                Count(whole, span, permission);
                return whole;
            }

            // Pieces from the middle of one large page to the middle of the next: none covers a large page whole.
            ulong half = 1UL << (_table.LargeLg2 - 1);
            ulong at = span.First;
            while (true)
            {
                ulong last = Math.Min(span.Last, ((at + half) | ((half * 2) - 1)) - half);
                MapStatus status = _table.Map(new IovaSpan(at, last), word + (at - span.First), permission);
                if (status != MapStatus.Success || last == span.Last)
                {
                    Count(status, span, permission);
                    return status;
                }

                at = last + 1;
            }
        }
    }

    /// <summary>Clears whole mappings and tells the readers: the first half of <see cref="UnmapOrder"/>.</summary>
    /// <returns>The epoch to wait for.</returns>
    internal ulong TakeAway(ReadOnlySpan<IovaSpan> spans, out ulong detached)
    {
        if (Physical is not null)
        {
            UnmapPhysical(spans);
        }

        using (_writer.Enter())
        {
            MapStatus status = _table.UnmapList(spans, out _, out _);
            Debug.Assert(status == MapStatus.Success, "Whole mappings split no page, so nothing can be refused.");
            UnmapOrder.CountUnmaps(_table, _epoch, spans);
            detached = _table.DetachedEver;
            return _epoch.Publish(_table.SpaceId, spans);
        }
    }

    /// <summary>Frees the tables that were detached before a wait: the second half.</summary>
    internal void GiveBackTables(ulong detached)
    {
        if (detached != _table.ReleasedEver)
        {
            using (_writer.Enter())
            {
                _table.ReleaseDetached(detached);
            }
        }
    }

    /// <summary>Hands the dirty pages of a range to a list, in order, neighbours joined.</summary>
    /// <param name="span">Inside the aperture.</param>
    /// <param name="clear">Whether they count as clean from here on; the caller then tells the readers by <see cref="Flush"/>.</param>
    /// <param name="into">Receives them, cut to the span; null to drop them.</param>
    /// <returns>Whether there was one.</returns>
    internal bool TakeDirty(IovaSpan span, bool clear, List<IovaSpan>? into)
    {
        var runs = new DirtyRuns(span, into);
        using (Writer.Enter())
        {
            _table.ScanDirty(span, clear, ref runs);
        }

        return runs.IsAnyDirty;
    }

    /// <summary>Makes the readers ask the table again about a range, and waits until they will.</summary>
    internal void Flush(IovaSpan span) => UnmapOrder.Flush(Writer, _table, _epoch, span);
}
