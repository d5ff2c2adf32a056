namespace FastIova;

/// <summary>A set of iovas: disjoint spans in order, no two of which touch. It never changes; another one takes its place.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class SpanSet
{
    private readonly IovaSpan[] _spans;

    private SpanSet(IovaSpan[] spans) => _spans = spans;

    /// <summary>No iova.</summary>
    internal static SpanSet Empty { get; } = new([]);

    internal bool IsEmpty => _spans.Length == 0;

    /// <summary>The spans in ascending order.</summary>
    internal ReadOnlySpan<IovaSpan> Spans => _spans;

    /// <summary>The iovas of some spans, which may overlap and touch.</summary>
    internal static SpanSet Of(ReadOnlySpan<IovaSpan> spans)
    {
        IovaSpan[] sorted = spans.ToArray();
        Array.Sort(sorted, (a, b) => a.First.CompareTo(b.First));
        int count = 0;
        foreach (IovaSpan span in sorted)
        {
            // Compared with the one before by subtraction: the number after the last one does not exist.
            if (count != 0 && (span.First <= sorted[count - 1].Last || span.First - sorted[count - 1].Last == 1))
            {
                sorted[count - 1] = new IovaSpan(sorted[count - 1].First, Math.Max(sorted[count - 1].Last, span.Last));
            }
            else
            {
                sorted[count++] = span;
            }
        }

        return count == 0 ? Empty : new SpanSet(sorted.AsSpan(0, count).ToArray());
    }

    /// <summary>Whether the set has an iova of a span.</summary>
    internal bool Overlaps(IovaSpan span)
    {
        int index = IndexFrom(span.First);
        return index < _spans.Length && _spans[index].First <= span.Last;
    }

    /// <summary>The lowest part of a span that the set has whole.</summary>
    /// <returns>False when it has none.</returns>
    internal bool TryFirstUsed(IovaSpan within, out IovaSpan used)
    {
        int index = IndexFrom(within.First);
        bool found = index < _spans.Length && _spans[index].First <= within.Last;
        used = found
            ? new IovaSpan(Math.Max(_spans[index].First, within.First), Math.Min(_spans[index].Last, within.Last))
            : default;
        return found;
    }

    /// <summary>The lowest part of a span of which the set has nothing.</summary>
    /// <returns>False when it has everything.</returns>
    internal bool TryFirstHole(IovaSpan within, out IovaSpan hole)
    {
        ulong first = within.First;
        int index = IndexFrom(first);
        if (index < _spans.Length && _spans[index].First <= first)
        {
            if (_spans[index].Last >= within.Last)
            {
                hole = default;
                return false;
            }

            first = _spans[index++].Last + 1;
        }

        hole = new IovaSpan(first, index < _spans.Length && _spans[index].First <= within.Last ? _spans[index].First - 1 : within.Last);
        return true;
    }

    /// <summary>The index of the first span that ends at or above a number.</summary>
    private int IndexFrom(ulong number)
    {
        int low = 0;
        int high = _spans.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_spans[middle].Last < number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
