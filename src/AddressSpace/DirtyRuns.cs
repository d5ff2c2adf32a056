namespace FastIova;

/// <summary>Collects dirty pages as spans; neighbours are joined.</summary>
internal struct DirtyRuns : IDirtySink
{
    private readonly IovaSpan _span;
    private readonly List<IovaSpan>? _into;

    /// <param name="span">To which the pages are cut.</param>
    /// <param name="into">Receives the spans, or null.</param>
    internal DirtyRuns(IovaSpan span, List<IovaSpan>? into)
    {
        _span = span;
        _into = into;
    }

    internal bool IsAnyDirty { get; private set; }

    public void Add(ulong iova, int pageLg2)
    {
        IsAnyDirty = true;
        if (_into is null)
        {
            return;
        }

        ulong first = Math.Max(iova, _span.First);
        ulong last = Math.Min(iova | ((1UL << pageLg2) - 1), _span.Last);
        if (_into.Count != 0 && first - _into[^1].Last == 1)
        {
            _into[^1] = new IovaSpan(_into[^1].First, last);
        }
        else
        {
            _into.Add(new IovaSpan(first, last));
        }
    }
}
