namespace FastIova;

/// <summary>
/// Independent stores of 8-byte words in a given order to huge-page memory, done in two ways: the lower bound of any
/// mapping that stores one word for each page. Which way is faster depends on the size of the area: measure both.
/// </summary>
/// <remarks>
/// Owns: the memory.
/// Invariants: (I1) every index names a word of the memory.
/// Threads: one at a time.
/// </remarks>
internal sealed unsafe class RandomStores : IDisposable
{
    // The distance of RandomLoads: the lines come from the same places.
    private const int AheadStores = 64;

    private readonly VirtualMemory _area;
    private readonly VirtualMemory _list;
    private readonly int _count;

    private RandomStores(ulong areaBytes, ReadOnlySpan<ulong> words)
    {
        _area = VirtualMemory.Reserve(areaBytes, hugePages: true);
        _list = VirtualMemory.Reserve((ulong)Math.Max(1, words.Length) * sizeof(ulong), hugePages: true);
        _count = words.Length;
        // SAFETY: the list has room for every index.
        words.CopyTo(new Span<ulong>(_list.Start, _count));
    }

    /// <summary>Makes an area.</summary>
    /// <param name="areaBytes">Its size, a multiple of 64.</param>
    /// <param name="words">The indexes of the words to store, in order.</param>
    /// <returns>The stores.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An index lies outside the area.</exception>
    /// <exception cref="IOException">The kernel has no memory.</exception>
    internal static RandomStores Over(ulong areaBytes, ReadOnlySpan<ulong> words)
    {
        ulong areaWords = areaBytes / sizeof(ulong);
        foreach (ulong word in words)
        {
            if (word >= areaWords)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(words), word, $"Word {word} lies outside an area of {areaBytes} bytes: it has words 0 to {(long)areaWords - 1}.");
            }
        }

        return new RandomStores(areaBytes, words);
    }

    /// <summary>One after the other.</summary>
    /// <param name="value">What to store.</param>
    /// <returns>The number of stores.</returns>
    internal ulong Naive(ulong value)
    {
        // SAFETY: I1, here and in the other way.
        ulong* start = (ulong*)_area.Start;
        ulong* words = (ulong*)_list.Start;
        for (int i = 0; i < _count; i++)
        {
            start[words[i]] = value;
        }

        return (ulong)_count;
    }

    /// <summary>Prefetches a fixed distance ahead of the stores.</summary>
    /// <param name="value">What to store.</param>
    /// <returns>The number of stores.</returns>
    internal ulong LookAhead(ulong value)
    {
        // SAFETY: I1, for prefetches as for stores.
        ulong* start = (ulong*)_area.Start;
        ulong* words = (ulong*)_list.Start;
        int i = 0;
        for (; i < _count - AheadStores; i++)
        {
            Prefetch.ToL1(start + words[i + AheadStores]);
            start[words[i]] = value;
        }

        for (; i < _count; i++)
        {
            start[words[i]] = value;
        }

        return (ulong)_count;
    }

    /// <summary>Whether every word of the list holds a value.</summary>
    /// <param name="value">What was stored last.</param>
    /// <returns>False when one does not.</returns>
    internal bool AllHold(ulong value)
    {
        // SAFETY: I1.
        ulong* start = (ulong*)_area.Start;
        ulong* words = (ulong*)_list.Start;
        ulong difference = 0;
        for (int i = 0; i < _count; i++)
        {
            difference |= start[words[i]] ^ value;
        }

        return difference == 0;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _list.Dispose();
        _area.Dispose();
    }
}
