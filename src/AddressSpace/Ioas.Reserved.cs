namespace FastIova;

/// <content>Which iovas must stay free, and which are chosen from.</content>
internal sealed partial class Ioas
{
    /// <summary>Replaces the list of iovas that are chosen from; an empty one allows all. Fixed iovas are not bound by it.</summary>
    /// <param name="spans">Spans that do not overlap.</param>
    internal IoasStatus SetAllowed(ReadOnlySpan<IovaSpan> spans)
    {
        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        IovaSpan[] sorted = spans.ToArray();
        Array.Sort(sorted, (a, b) => a.First.CompareTo(b.First));
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].First <= sorted[i - 1].Last)
            {
                return IoasStatus.Invalid;
            }
        }

        var allowed = SpanSet.Of(sorted);
        IoasStatus status = IoasStatus.Success;
        _lock.Enter();
        foreach (IovaSpan span in allowed.Spans)
        {
            status = _reserved.Overlaps(span) ? IoasStatus.AddressInUse : status;
        }

        _allowed = status == IoasStatus.Success ? allowed : _allowed;
        _lock.Exit();
        return status;
    }

    /// <summary>Keeps iovas free.</summary>
    /// <param name="span">Nothing is mapped there, and none of it is on the list of allowed ones.</param>
    /// <param name="owner">By whom they are given back.</param>
    internal IoasStatus Reserve(IovaSpan span, object? owner)
    {
        _lock.Enter();
        IoasStatus status = ReserveLocked(span, owner);
        _lock.Exit();
        return status;
    }

    /// <summary>Gives back what an owner reserved.</summary>
    internal void Unreserve(object owner)
    {
        _lock.Enter();
        UnreserveLocked(owner);
        _lock.Exit();
    }

    /// <summary>Reserves what a device cannot translate: all of it or nothing.</summary>
    internal IoasStatus EnforceReserved(IEnumerable<IovaSpan> deviceReserved, object owner)
    {
        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        IoasStatus status = IoasStatus.Success;
        _lock.Enter();
        foreach (IovaSpan span in deviceReserved)
        {
            status = ReserveLocked(span, owner);
            if (status != IoasStatus.Success)
            {
                UnreserveLocked(owner);
                break;
            }
        }

        _lock.Exit();
        return status;
    }

    /// <summary>How many spans of iovas are not reserved.</summary>
    internal int CountRanges()
    {
        var ranges = new List<IovaSpan>();
        Ranges(ranges);
        return ranges.Count;
    }

    /// <summary>The iovas that are not reserved, whether mapped or not.</summary>
    internal void Ranges(IList<IovaSpan> into)
    {
        SpanSet reserved = Volatile.Read(ref _reserved);
        var rest = new IovaSpan(0, ulong.MaxValue);
        while (reserved.TryFirstHole(rest, out IovaSpan hole))
        {
            into.Add(hole);
            if (hole.Last == ulong.MaxValue)
            {
                break;
            }

            rest = new IovaSpan(hole.Last + 1, ulong.MaxValue);
        }
    }

    private IoasStatus ReserveLocked(IovaSpan span, object? owner)
    {
        if (_areas.FirstIn(span.First, span.Last) is not null || _allowed.Overlaps(span))
        {
            return IoasStatus.AddressInUse;
        }

        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        _reservations.Add(new Reservation(span, owner));
        SumUpReservations();
        return IoasStatus.Success;
    }

    private void UnreserveLocked(object owner)
    {
        if (_reservations.RemoveAll(r => ReferenceEquals(r.Owner, owner)) != 0)
        {
            SumUpReservations();
        }
    }

    private void SumUpReservations() => Volatile.Write(ref _reserved, SpanSet.Of([.. _reservations.ConvertAll(r => r.Span)]));

    private readonly record struct Reservation(IovaSpan Span, object? Owner);
}
