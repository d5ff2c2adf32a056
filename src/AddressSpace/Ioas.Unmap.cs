namespace FastIova;

/// <content>How areas go.</content>
internal sealed partial class Ioas
{
    private const uint TriesMost = 100;

    // So many areas are taken out under one hold of the lock, and share grace periods.
    private const int AreasAtOnce = 1024;

    /// <summary>Takes away the areas in a range, ascending. What was taken away before an area stands in the way stays away.</summary>
    /// <param name="iova">The first iova.</param>
    /// <param name="length">Bytes, at least one.</param>
    /// <param name="unmapped">The bytes that were mapped, whatever the outcome.</param>
    /// <returns>Success also when nothing was mapped; <see cref="IoasStatus.NotFound"/> at an area that lies in the range in part.</returns>
    internal IoasStatus Unmap(ulong iova, ulong length, out ulong unmapped)
    {
        unmapped = 0;
        return length == 0 ? IoasStatus.Invalid
            : !IovaSpan.TryCreate(iova, length, out IovaSpan span) ? IoasStatus.Overflow
            : Unmap(span, out unmapped);
    }

    /// <summary>Takes every area away.</summary>
    /// <param name="unmapped">The bytes that were mapped, whatever the outcome.</param>
    internal IoasStatus UnmapAll(out ulong unmapped) => Unmap(new IovaSpan(0, ulong.MaxValue), out unmapped);

    private IoasStatus Unmap(IovaSpan span, out ulong unmapped)
    {
        unmapped = 0;
        ulong start = span.First;
        uint tries = 0;
        while (true)
        {
            EnterToWork();
            IoasStatus status = Detach(ref start, span.Last, ref tries, out Area? first, out IovaSpan asked, out bool isAsked, out bool more);
            unmapped += TakeAway(first);
            PutDropped();
            if (isAsked)
            {
                NotifyUnmap(asked);
                if (++tries > TriesMost)
                {
                    return IoasStatus.Deadlock;
                }
            }
            else if (!more)
            {
                return status;
            }
        }
    }

    /// <summary>Makes areas of a range unusable to others, as far as nothing stands in the way. The lock is held.</summary>
    private IoasStatus Detach(ref ulong start, ulong last, ref uint tries, out Area? first, out IovaSpan asked, out bool isAsked, out bool more)
    {
        first = null;
        asked = default;
        isAsked = false;
        more = false;
        Area? tail = null;
        for (int count = 0; _areas.FirstIn(start, last) is { } area; count++)
        {
            // What is locked is refused before it is looked at whether the area lies in the range.
            if (!area.IsLive || area.Locks != 0)
            {
                return IoasStatus.Busy;
            }

            if (area.First < start || area.Last > last)
            {
                return IoasStatus.NotFound;
            }

            tries = area.First == start ? tries : 0;
            if (area.Accesses != 0)
            {
                // Its users are asked, and the search goes on here.
                start = area.First;
                area.PreventsAccess = true;
                asked = area.Span;
                isAsked = true;
                return IoasStatus.Success;
            }

            if (count == AreasAtOnce)
            {
                more = true;
                return IoasStatus.Success;
            }

            area.IsLive = false;
            tail = tail is null ? first = area : tail.Next = area;
            if (area.Last >= last)
            {
                break;
            }

            start = area.Last + 1;
        }

        return IoasStatus.Success;
    }

    /// <summary>Takes detached areas out of the domains and the tree. The lock is held, and given back.</summary>
    /// <returns>The bytes that were mapped.</returns>
    private ulong TakeAway(Area? first)
    {
        if (first is null)
        {
            _lock.Exit();
            return 0;
        }

        if (_domains.Length == 0)
        {
            ulong bytes = Bytes(first);
            Drop(first);
            _lock.Exit();
            return bytes;
        }

        ulong unmapped = Bytes(first);
        if (first.Next is null && _domains.Length == 1)
        {
            // One mapping in one domain: when no reader is in the way it is over before others could use the lock.
            IovaSpan span = first.Span;
            Domain domain = _domains[0];
            ulong target = domain.TakeAway(new ReadOnlySpan<IovaSpan>(in span), out ulong detached);
            if (domain.Epoch.HavePassed(target))
            {
                domain.GiveBackTables(detached);
                GiveBack(first);
                Drop(first);
                _lock.Exit();
                return unmapped;
            }

            GoUnderway();
            domain.Epoch.WaitForReaders(target);
            domain.GiveBackTables(detached);
            GiveBack(first);
        }
        else
        {
            GoUnderway();
            Unfill(first, end: null, _domains, release: true);
        }

        ComeBack();
        Drop(first);
        ExitFromWork();
        return unmapped;
    }

    private static ulong Bytes(Area? area)
    {
        ulong bytes = 0;
        for (; area is not null; area = area.Next)
        {
            bytes += area.LengthLessOne + 1;
        }

        return bytes;
    }

    private void NotifyUnmap(IovaSpan span)
    {
        foreach (IoasAccess access in Volatile.Read(ref _accesses))
        {
            access.NotifyUnmap(span.First, span.LengthLessOne + 1);
        }
    }
}
