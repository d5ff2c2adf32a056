namespace FastIova;

/// <summary>Receives a run of written memory.</summary>
/// <param name="iova">The first iova.</param>
/// <param name="bytes">How many bytes.</param>
internal delegate void DirtyBits(ulong iova, ulong bytes);

/// <content>Which pages devices have written.</content>
internal sealed partial class Ioas
{
    /// <summary>Checks the range of a question about written pages.</summary>
    internal IoasStatus CheckDirtyRange(ulong iova, ulong length, ulong pageSize)
    {
        if (length == 0)
        {
            return IoasStatus.Invalid;
        }

        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            return IoasStatus.Overflow;
        }

        ulong ends = span.First | (span.Last + 1);
        return (ends & (Alignment - 1)) != 0 || pageSize == 0 || (ends & (pageSize - 1)) != 0 ? IoasStatus.Invalid : IoasStatus.Success;
    }

    /// <summary>Reads which pages were written through a domain, up to the first gap between areas. Without tracking there are none.</summary>
    /// <param name="domain">A domain of this ioas.</param>
    /// <param name="iova">The first iova.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="pageSize">What a bit stands for; the range is a multiple of it.</param>
    /// <param name="clear">Whether the pages count as unwritten from here on.</param>
    /// <param name="sink">Receives the written memory in ascending runs, cut to the range; called without a lock.</param>
    internal IoasStatus ReadDirty(Domain domain, ulong iova, ulong length, ulong pageSize, bool clear, DirtyBits sink)
    {
        IoasStatus status = CheckDirtyRange(iova, length, pageSize);
        if (status != IoasStatus.Success)
        {
            return status;
        }

        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        var runs = new List<IovaSpan>();
        IovaSpan span = IovaSpan.Of(iova, length);
        bool any = false;
        _lock.Enter();
        if (domain.TracksDirty)
        {
            var walk = new AreaWalk(_areas, span);
            while (walk.TryNext(out _, out IovaSpan part))
            {
                any |= domain.TakeDirty(part, clear, runs);
            }
        }

        _lock.Exit();
        if (clear && any)
        {
            domain.Flush(span);
        }

        foreach (IovaSpan run in runs)
        {
            sink(run.First, run.LengthLessOne + 1);
        }

        return IoasStatus.Success;
    }

    /// <summary>Turns the marking of written pages on, with none marked, or off.</summary>
    internal IoasStatus SetDirtyTracking(Domain domain, bool enable)
    {
        _lock.Enter();
        if (enable)
        {
            for (Area? area = _areas.FirstOfAll(); area is not null; area = _areas.After(area.Last))
            {
                if (area.IsLive)
                {
                    _ = domain.TakeDirty(area.Span, clear: true, into: null);
                }
            }
        }

        // Also tells the readers, who may know pages as written.
        domain.TrackDirty(enable);
        _lock.Exit();
        return IoasStatus.Success;
    }
}
