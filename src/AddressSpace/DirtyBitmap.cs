namespace FastIova;

/// <summary>Sets a bit for each dirty page, whatever the sizes of the pages and of what a bit stands for.</summary>
internal ref struct DirtyBitmap : IDirtySink
{
    private readonly IovaSpan _span;
    private readonly int _pageLg2;
    private readonly Span<ulong> _bitmap;

    /// <param name="span">What the bitmap covers; begins at bit zero.</param>
    /// <param name="pageLg2">The log2 of the bytes that a bit stands for.</param>
    /// <param name="bitmap">The bits.</param>
    internal DirtyBitmap(IovaSpan span, int pageLg2, Span<ulong> bitmap)
    {
        _span = span;
        _pageLg2 = pageLg2;
        _bitmap = bitmap;
    }

    /// <summary>The bits that were clear and are set now.</summary>
    internal ulong Bits { get; private set; }

    /// <summary>The pages that were reported, whether or not their bits were set before.</summary>
    internal ulong Pages { get; private set; }

    public void Add(ulong iova, int pageLg2)
    {
        Pages++;
        ulong first = (Math.Max(iova, _span.First) - _span.First) >> _pageLg2;
        ulong last = (Math.Min(iova | ((1UL << pageLg2) - 1), _span.Last) - _span.First) >> _pageLg2;
        for (ulong bit = first; bit <= last; bit++)
        {
            ulong mask = 1UL << (int)(bit & 63);
            ref ulong word = ref _bitmap[(int)(bit >> 6)];
            Bits += (word & mask) == 0 ? 1UL : 0;
            word |= mask;
        }
    }
}
