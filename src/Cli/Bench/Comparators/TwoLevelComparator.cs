namespace FastIova.Cli;

/// <summary>A table of 2 MiB regions and, where a region is not one mapping, a table of its 4 KiB pages: two probes for a small page.</summary>
/// <remarks>
/// The shape of the memory map of user-space storage stacks, over a space of 2^48 bytes:
/// <code>
/// iova: 47..30 chunk   29..21 region   20..12 page   11..0 offset
///       _chunks[chunk] -> _regions[block of 512] -> _pages[block of 512]
/// </code>
/// Blocks lie in two growing arrays, and block 0 of each is empty for ever: a look-up of nothing runs into it and needs no
/// test. A region word with the large bit leads to host memory; every other region word is the number of a block of pages,
/// above that bit, 0 for none. A region that one mapping fills is large, whatever the alignment of its host memory.
/// Threads: one.
/// </remarks>
internal sealed class TwoLevelComparator : IComparator
{
    private const int RegionLg2 = 21;
    private const int ChunkLg2 = 30;
    private const int SpaceLg2 = 48;
    private const int BlockLg2 = 9;
    private const int BlockLength = 1 << BlockLg2;
    private const ulong RegionBytes = 1UL << RegionLg2;
    private const ulong RegionMask = RegionBytes - 1;
    private const ulong OffsetMask = IComparator.PageBytes - 1;
    private const ulong LargeBit = 4;
    private const int BlockShift = 3;

    private readonly Stack<int> _freePageBlocks = new();
    private int[] _chunks = new int[1 << (SpaceLg2 - ChunkLg2)];
    private ulong[] _regions = new ulong[2 * BlockLength];
    private ulong[] _pages = new ulong[2 * BlockLength];
    private ushort[] _live = new ushort[2];
    private int _regionBlocks = 1;
    private int _pageBlocks = 1;

    /// <inheritdoc/>
    public string Name => "Two-level table (2 MiB, 4 KiB)";

    /// <inheritdoc/>
    public void Reserve(int mappings)
    {
        // Pages that lie together; scattered ones grow the array as they come.
        int blocks = 1 + ((mappings + BlockLength - 1) >> BlockLg2);
        if (blocks > _live.Length)
        {
            Array.Resize(ref _pages, blocks << BlockLg2);
            Array.Resize(ref _live, blocks);
        }
    }

    /// <inheritdoc/>
    public bool TryMap(ulong iova, ulong host, ulong bytes, Permission p)
    {
        var mapping = new Mapping(iova, host, bytes, p);
        if (!mapping.IsValid || mapping.Last >> SpaceLg2 != 0 || !IsFree(iova, mapping.Last))
        {
            return false;
        }

        for (ulong first = iova; ;)
        {
            ulong last = ulong.Min(first | RegionMask, mapping.Last);
            ulong to = host + (first - iova);
            int region = RegionIndexFor(first);
            if (last - first == RegionMask)
            {
                _regions[region] = to | LargeBit | (ulong)p;
            }
            else
            {
                FillPages(region, first, last, to | (ulong)p);
            }

            if (last == mapping.Last)
            {
                return true;
            }

            first = last + 1;
        }
    }

    /// <inheritdoc/>
    public bool Unmap(ulong iova, ulong bytes)
    {
        if (!Mapping.TrySpan(iova, bytes, out IovaSpan span) || span.First >> SpaceLg2 != 0)
        {
            return false;
        }

        bool any = false;
        ulong spanLast = ulong.Min(span.Last, (1UL << SpaceLg2) - 1);
        for (ulong first = span.First; ;)
        {
            int block = _chunks[first >> ChunkLg2];
            ulong last = ulong.Min(first | (block == 0 ? (1UL << ChunkLg2) - 1 : RegionMask), spanLast);
            if (block != 0)
            {
                any |= ClearRegion(RegionIndex(block, first), first, last);
            }

            if (last == spanLast)
            {
                return any;
            }

            first = last + 1;
        }
    }

    /// <inheritdoc/>
    public ulong Translate(ulong iova, Permission wanted)
    {
        int[] chunks = _chunks;
        ulong chunk = iova >> ChunkLg2;
        if (chunk >= (ulong)chunks.Length)
        {
            return 0;
        }

        ulong word = _regions[RegionIndex(chunks[chunk], iova)];
        if ((word & LargeBit) != 0)
        {
            return ((ulong)wanted & ~word) == 0 ? (word & ~OffsetMask) + (iova & RegionMask) : 0;
        }

        word = _pages[PageIndex(BlockOf(word), iova)];

        // The empty word allows nothing, but a look-up that wants nothing in particular is allowed everything.
        return word != 0 && ((ulong)wanted & ~word) == 0 ? (word & ~OffsetMask) | (iova & OffsetMask) : 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _chunks = [];
        _regions = [];
        _pages = [];
        _live = [];
        _freePageBlocks.Clear();
    }

    private static int BlockOf(ulong regionWord) => (int)(regionWord >> BlockShift);

    private static int RegionIndex(int block, ulong iova) => (block << BlockLg2) | ((int)(iova >> RegionLg2) & (BlockLength - 1));

    private static int PageIndex(int block, ulong iova) => (block << BlockLg2) | ((int)(iova >> IComparator.PageLg2) & (BlockLength - 1));

    private bool IsFree(ulong iova, ulong rangeLast)
    {
        for (ulong first = iova; ;)
        {
            int block = _chunks[first >> ChunkLg2];
            ulong last = ulong.Min(first | (block == 0 ? (1UL << ChunkLg2) - 1 : RegionMask), rangeLast);
            ulong word = _regions[RegionIndex(block, first)];
            if ((word & LargeBit) != 0)
            {
                return false;
            }

            int start = PageIndex(BlockOf(word), first);
            if (word != 0 && _pages.AsSpan(start, PageIndex(BlockOf(word), last) - start + 1).ContainsAnyExcept(0UL))
            {
                return false;
            }

            if (last == rangeLast)
            {
                return true;
            }

            first = last + 1;
        }
    }

    private int RegionIndexFor(ulong iova)
    {
        ref int block = ref _chunks[iova >> ChunkLg2];
        if (block == 0)
        {
            if (_regionBlocks << BlockLg2 == _regions.Length)
            {
                Array.Resize(ref _regions, _regions.Length * 2);
            }

            block = _regionBlocks++;
        }

        return RegionIndex(block, iova);
    }

    private void FillPages(int region, ulong first, ulong last, ulong word)
    {
        if (_regions[region] == 0)
        {
            _regions[region] = (ulong)AllocatePageBlock() << BlockShift;
        }

        int block = BlockOf(_regions[region]);
        int start = PageIndex(block, first);
        Span<ulong> pages = _pages.AsSpan(start, PageIndex(block, last) - start + 1);
        foreach (ref ulong page in pages)
        {
            page = word;
            word += IComparator.PageBytes;
        }

        _live[block] += (ushort)pages.Length;
    }

    private bool ClearRegion(int region, ulong first, ulong last)
    {
        ulong word = _regions[region];
        if (word == 0)
        {
            return false;
        }

        if ((word & LargeBit) != 0)
        {
            _regions[region] = 0;
            if (last - first != RegionMask)
            {
                // A part of a large region: the rest goes on as pages.
                ulong start = first & ~RegionMask;
                FillPages(region, start, start | RegionMask, word & ~LargeBit);
                return ClearRegion(region, first, last);
            }

            return true;
        }

        int block = BlockOf(word);
        int index = PageIndex(block, first);
        Span<ulong> pages = _pages.AsSpan(index, PageIndex(block, last) - index + 1);
        int live = pages.Length - pages.Count(0UL);
        pages.Clear();
        _live[block] -= (ushort)live;
        if (_live[block] == 0)
        {
            _regions[region] = 0;
            _freePageBlocks.Push(block);
        }

        return live != 0;
    }

    private int AllocatePageBlock()
    {
        // A freed block is empty already: it was freed when its last page went.
        if (_freePageBlocks.TryPop(out int block))
        {
            return block;
        }

        if (_pageBlocks == _live.Length)
        {
            Array.Resize(ref _pages, _pages.Length * 2);
            Array.Resize(ref _live, _live.Length * 2);
        }

        return _pageBlocks++;
    }
}
