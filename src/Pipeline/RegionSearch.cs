namespace FastIova;

/// <summary>
/// Looks for the region around a large page: neighbours that continue it in host memory with the same permission. A
/// region pays only when it is hit again, so it is looked for when two walks in a row end in it, and it is looked for twice
/// as far each time that it turns out too small.
/// </summary>
/// <remarks>Threads: the port's, inside a scope.</remarks>
internal struct RegionSearch
{
    // How many large pages to either side: 16 MiB at first, 64 GiB at last, with pages of 2 MiB.
    private const int ShortestReach = 8;
    private const int LongestReach = 32768;

    private ulong _lastAddend;
    private int _reach;

    /// <summary>Takes note of a walk that ended in a large page.</summary>
    /// <param name="walker">The table.</param>
    /// <param name="aperture">The addresses that it maps.</param>
    /// <param name="iova">The address.</param>
    /// <param name="addend">Host address less IOVA.</param>
    /// <param name="word">The page's word.</param>
    /// <param name="permission">What may be remembered of it.</param>
    /// <param name="hint">Receives the region, when it was looked for.</param>
    internal void Found<TWalker>(TWalker walker, IovaSpan aperture, ulong iova, ulong addend, ulong word, Permission permission, ref RegionHint hint)
        where TWalker : unmanaged, IWalker
    {
        if (addend != _lastAddend)
        {
            _lastAddend = addend;
            _reach = ShortestReach;
            return;
        }

        ulong page = walker.LargeOffsetMask + 1;
        ulong first = iova & ~walker.LargeOffsetMask;
        ulong end = first + page;
        for (int i = 0; i < _reach && Continues(walker, aperture, first - page, word, addend); i++)
        {
            first -= page;
        }

        for (int i = 0; i < _reach && Continues(walker, aperture, end, word, addend); i++)
        {
            end += page;
        }

        _reach = Math.Min(_reach * 2, LongestReach);
        hint = new RegionHint(first, end - first, addend, permission);
    }

    private static unsafe bool Continues<TWalker>(TWalker walker, IovaSpan aperture, ulong iova, ulong word, ulong addend)
        where TWalker : unmanaged, IWalker
    {
        const ulong alike = PtWord.PermissionMask | PtWord.Large | PtWord.Dirty;
        if (!aperture.Contains(iova))
        {
            return false;
        }

        // SAFETY: an address in the aperture has no bit beyond it.
        ulong other = Volatile.Read(ref *walker.WordOf(iova));
        return (other & alike) == (word & alike) && (other & ~walker.LargeOffsetMask) - iova == addend;
    }
}
