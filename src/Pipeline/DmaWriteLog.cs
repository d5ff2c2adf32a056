namespace FastIova;

/// <summary>Which pages of some ranges a port was let write: the dirty log of one device, apart from what domains know.</summary>
/// <remarks>
/// <para>Invariant: a page is in the log before its address is handed out for writing. Whoever takes it out has to wait for the scopes of
/// that time before the memory is looked at.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class DmaWriteLog
{
    /// <summary>The unit of the log: 4 KiB.</summary>
    internal const int PageLg2 = 12;

    // Pages are kept by 64: one word each.
    private const int GroupLg2 = 6;
    private const int GroupMask = (1 << GroupLg2) - 1;

    private readonly Lock _lock = new();
    private readonly IovaSpan[] _spans;
    private readonly SortedDictionary<ulong, ulong> _groups = [];

    /// <param name="spans">What to log; they do not overlap.</param>
    internal DmaWriteLog(IEnumerable<IovaSpan> spans) => _spans = [.. spans.OrderBy(span => span.First)];

    /// <summary>Puts pages in.</summary>
    /// <param name="iova">An address of the first.</param>
    /// <param name="last">An address of the last.</param>
    internal void Add(ulong iova, ulong last)
    {
        lock (_lock)
        {
            for (ulong page = iova >> PageLg2; page <= last >> PageLg2; page++)
            {
                if (Covers(page))
                {
                    ulong group = page >> GroupLg2;
                    _groups[group] = _groups.GetValueOrDefault(group) | (1UL << (int)(page & GroupMask));
                }
            }
        }
    }

    /// <summary>Takes the pages of a range out.</summary>
    /// <param name="span">The range.</param>
    /// <returns>The first addresses of the pages, in order.</returns>
    internal List<ulong> Take(IovaSpan span)
    {
        var taken = new List<ulong>();
        ulong firstPage = span.First >> PageLg2;
        ulong lastPage = span.Last >> PageLg2;
        lock (_lock)
        {
            foreach ((ulong group, ulong pages) in _groups.Where(entry => entry.Key >= firstPage >> GroupLg2 && entry.Key <= lastPage >> GroupLg2).ToArray())
            {
                ulong left = pages;
                for (int i = 0; i <= GroupMask; i++)
                {
                    ulong page = (group << GroupLg2) + (ulong)i;
                    if ((pages & (1UL << i)) != 0 && page >= firstPage && page <= lastPage)
                    {
                        taken.Add(page << PageLg2);
                        left &= ~(1UL << i);
                    }
                }

                if (left == 0)
                {
                    _groups.Remove(group);
                }
                else
                {
                    _groups[group] = left;
                }
            }
        }

        return taken;
    }

    private bool Covers(ulong page)
    {
        int low = 0;
        int high = _spans.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_spans[middle].First >> PageLg2 <= page)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low != 0 && page <= _spans[low - 1].Last >> PageLg2;
    }
}
