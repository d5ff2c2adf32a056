using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>
/// Independent loads of 8-byte words in a given order from huge-page memory, done in four ways: the lower bound of any
/// look-up that loads one word for each answer. The fastest way depends on the size of the area and on the machine, and
/// a bound that clever code can beat is none, so callers measure all four.
/// </summary>
/// <remarks>
/// Owns: the memory.
/// Invariants: (I1) every index names a word of the memory; (I2) the word with index w holds <c>Content(w)</c>.
/// Threads: any; nothing is written after construction.
/// </remarks>
internal sealed unsafe class RandomLoads : IDisposable
{
    // Of 16, 32, 64 and 96 the fastest look-ahead at 16 MiB (2.5 ns against 4.6, 3.7 and 2.6) and within 2 % of the fastest
    // at 256 MiB; a block of 32 to 96 makes no clear difference to the two phases (Zen 5, busy machine, November 2026).
    private const int AheadLoads = 64;
    private const int PhaseLoads = 64;

    private readonly VirtualMemory _area;
    private readonly VirtualMemory _list;
    private readonly int _count;

    private RandomLoads(VirtualMemory area, ReadOnlySpan<ulong> words)
    {
        _area = area;
        _list = VirtualMemory.Reserve((ulong)Math.Max(1, words.Length) * sizeof(ulong), hugePages: true);
        _count = words.Length;
        // SAFETY: the list has room for every index.
        words.CopyTo(new Span<ulong>(_list.Start, _count));
        foreach (ulong word in words)
        {
            Expected += Content(word);
        }
    }

    /// <summary>What every way must return: the sum of the words, from their definition and not from memory.</summary>
    internal ulong Expected { get; }

    /// <summary>Makes and fills an area.</summary>
    /// <param name="areaBytes">Its size, a multiple of 64.</param>
    /// <param name="words">The indexes of the words to load, in order.</param>
    /// <returns>The loads.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An index lies outside the area.</exception>
    /// <exception cref="IOException">The kernel has no memory.</exception>
    internal static RandomLoads Over(ulong areaBytes, ReadOnlySpan<ulong> words)
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

        VirtualMemory area = VirtualMemory.Reserve(areaBytes, hugePages: true);
        // SAFETY: the area has areaWords words, and nobody else knows it yet.
        ulong* start = (ulong*)area.Start;
        for (ulong word = 0; word < areaWords; word++)
        {
            start[word] = Content(word);
        }

        return new RandomLoads(area, words);
    }

    /// <summary>One after the other.</summary>
    /// <returns>The sum of the words.</returns>
    internal ulong Naive()
    {
        // SAFETY: I1, here and in the other ways.
        ulong* start = (ulong*)_area.Start;
        ulong* words = (ulong*)_list.Start;
        return Rest(start, words, 0, _count);
    }

    /// <summary>Eight at a time into one vector.</summary>
    /// <returns>The sum of the words.</returns>
    internal ulong EightWide()
    {
        // SAFETY: I1.
        ulong* start = (ulong*)_area.Start;
        Vector512<ulong> sums = default;
        int i = 0;
        ulong* words = (ulong*)_list.Start;
        for (; i <= _count - 8; i += 8)
        {
            sums += Eight(start, words + i);
        }

        return Vector512.Sum(sums) + Rest(start, words, i, _count);
    }

    /// <summary>Prefetches a block, then loads it.</summary>
    /// <returns>The sum of the words.</returns>
    internal ulong TwoPhase()
    {
        // SAFETY: I1, for prefetches as for loads.
        ulong* start = (ulong*)_area.Start;
        Vector512<ulong> sums = default;
        int i = 0;
        ulong* words = (ulong*)_list.Start;
        for (; i <= _count - PhaseLoads; i += PhaseLoads)
        {
            for (int j = i; j < i + PhaseLoads; j++)
            {
                Prefetch.ToL1(start + words[j]);
            }

            for (int j = i; j < i + PhaseLoads; j += 8)
            {
                sums += Eight(start, words + j);
            }
        }

        return Vector512.Sum(sums) + Rest(start, words, i, _count);
    }

    /// <summary>Prefetches a fixed distance ahead of the loads.</summary>
    /// <returns>The sum of the words.</returns>
    internal ulong LookAhead()
    {
        // SAFETY: I1, for prefetches as for loads.
        ulong* start = (ulong*)_area.Start;
        Vector512<ulong> sums = default;
        int i = 0;
        ulong* words = (ulong*)_list.Start;
        for (; i <= _count - AheadLoads - 8; i += 8)
        {
            for (int j = i + AheadLoads; j < i + AheadLoads + 8; j++)
            {
                Prefetch.ToL1(start + words[j]);
            }

            sums += Eight(start, words + i);
        }

        return Vector512.Sum(sums) + Rest(start, words, i, _count);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _list.Dispose();
        _area.Dispose();
    }

    private static Vector512<ulong> Eight(ulong* start, ulong* words) =>
        Vector512.Create(
            start[words[0]],
            start[words[1]],
            start[words[2]],
            start[words[3]],
            start[words[4]],
            start[words[5]],
            start[words[6]],
            start[words[7]]);

    private static ulong Rest(ulong* start, ulong* words, int first, int end)
    {
        ulong sum = 0;
        for (int i = first; i < end; i++)
        {
            sum += start[words[i]];
        }

        return sum;
    }

    // An odd multiplier: different words have different contents, so a load from the wrong place changes the sum.
    private static ulong Content(ulong word) => word * 0x9E37_79B9_7F4A_7C15;
}
