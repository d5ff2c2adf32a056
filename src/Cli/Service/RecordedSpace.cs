namespace FastIova.Cli;

/// <summary>What is mapped in one space, as a recorder has seen it: ranges, and the pages of a made-up memory behind them.</summary>
/// <remarks>Threads: one at a time.</remarks>
internal sealed class RecordedSpace
{
    private readonly SortedSet<Range> _ranges = new(Comparer<Range>.Create(static (one, other) => one.First.CompareTo(other.First)));

    /// <summary>Adds a range; what it covers is gone before.</summary>
    internal void Map(IovaSpan span, ulong address) => _ranges.Add(new Range(span.First, span.Last, address));

    /// <summary>Takes every mapping in a range away; one across an end is cut.</summary>
    /// <param name="span">The range.</param>
    /// <param name="freed">Is given the pages that are free now: the first address and the bytes less one.</param>
    /// <returns>Whether anything was mapped.</returns>
    internal bool Unmap(IovaSpan span, Action<ulong, ulong> freed)
    {
        bool any = false;
        while (TryFind(span, out Range range))
        {
            any = true;
            _ranges.Remove(range);
            ulong first = Math.Max(range.First, span.First);
            ulong last = Math.Min(range.Last, span.Last);
            freed(range.Address + (first - range.First), last - first);
            if (range.First < span.First)
            {
                _ranges.Add(range with { Last = span.First - 1 });
            }

            if (range.Last > span.Last)
            {
                _ranges.Add(new Range(span.Last + 1, range.Last, range.Address + (span.Last + 1 - range.First)));
            }
        }

        return any;
    }

    /// <summary>Where an address lies in the made-up memory.</summary>
    internal bool TryTranslate(ulong iova, out ulong address)
    {
        bool good = TryFind(new IovaSpan(iova, iova), out Range range);
        address = range.Address + (iova - range.First);
        return good;
    }

    private bool TryFind(IovaSpan span, out Range found)
    {
        // The last range that begins at or before the end of the span is the only one that can be the highest in it.
        var probe = new Range(span.Last, span.Last, 0);
        found = _ranges.GetViewBetween(default, probe).Max;
        return found.Last >= span.First && found.First <= span.Last && found != default;
    }

    private readonly record struct Range(ulong First, ulong Last, ulong Address);
}
