namespace FastIova.Cli;

/// <summary>A hash table of pages: what one writes first.</summary>
/// <remarks>
/// One entry per 4 KiB page, host page and permission in one word, so that a look-up is one probe without a comparer
/// object. A mapping of many pages costs as many entries; that is the nature of the thing.
/// Threads: one.
/// </remarks>
internal sealed class DictionaryComparator : IComparator
{
    private const ulong OffsetMask = IComparator.PageBytes - 1;

    private readonly Dictionary<ulong, ulong> _pages = [];

    /// <inheritdoc/>
    public string Name => "Dictionary of pages";

    /// <inheritdoc/>
    public void Reserve(int mappings) => _pages.EnsureCapacity(mappings);

    /// <inheritdoc/>
    public bool TryMap(ulong iova, ulong host, ulong bytes, Permission p)
    {
        if (!new Mapping(iova, host, bytes, p).IsValid)
        {
            return false;
        }

        ulong first = iova >> IComparator.PageLg2;
        ulong count = bytes >> IComparator.PageLg2;
        for (ulong i = 0; i < count; i++)
        {
            // One probe finds the old entry or makes the new one; overlaps are rare, so that way back may be slow.
            if (!_pages.TryAdd(first + i, (host + (i << IComparator.PageLg2)) | (ulong)p))
            {
                while (i-- > 0)
                {
                    _pages.Remove(first + i);
                }

                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public bool Unmap(ulong iova, ulong bytes)
    {
        if (!Mapping.TrySpan(iova, bytes, out _))
        {
            return false;
        }

        ulong first = iova >> IComparator.PageLg2;
        ulong count = bytes >> IComparator.PageLg2;
        bool any = false;
        if (count <= (ulong)_pages.Count)
        {
            for (ulong i = 0; i < count; i++)
            {
                any |= _pages.Remove(first + i);
            }

            return any;
        }

        // A range larger than all that is mapped: look at what there is. Removing does not disturb the enumeration.
        foreach (ulong page in _pages.Keys)
        {
            if (page - first < count)
            {
                any |= _pages.Remove(page);
            }
        }

        return any;
    }

    /// <inheritdoc/>
    public ulong Translate(ulong iova, Permission wanted) =>
        _pages.TryGetValue(iova >> IComparator.PageLg2, out ulong entry) && ((ulong)wanted & ~entry) == 0
            ? (entry & ~OffsetMask) | (iova & OffsetMask)
            : 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        _pages.Clear();
        _pages.TrimExcess();
    }
}
