using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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
    private readonly uint[] _words;

    private RandomLoads(VirtualMemory area, uint[] words)
    {
        _area = area;
        _words = words;
        foreach (uint word in words)
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
    internal static RandomLoads Over(ulong areaBytes, uint[] words)
    {
        ulong areaWords = areaBytes / sizeof(ulong);
        foreach (uint word in words)
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
        ulong sum = 0;
        foreach (uint word in _words)
        {
            sum += start[word];
        }

        return sum;
    }

    /// <summary>Eight at a time into one vector.</summary>
    /// <returns>The sum of the words.</returns>
    internal ulong EightWide()
    {
        // SAFETY: I1.
        ulong* start = (ulong*)_area.Start;
        ReadOnlySpan<uint> words = _words;
        Vector512<ulong> sums = default;
        while (words.Length >= 8)
        {
            sums += Eight(start, words);
            words = words[8..];
        }

        return Vector512.Sum(sums) + Rest(start, words);
    }

    /// <summary>Prefetches a block, then loads it.</summary>
    /// <returns>The sum of the words.</returns>
    internal ulong TwoPhase()
    {
        // SAFETY: I1, for prefetches as for loads.
        ulong* start = (ulong*)_area.Start;
        ReadOnlySpan<uint> words = _words;
        Vector512<ulong> sums = default;
        while (words.Length >= PhaseLoads)
        {
            for (int i = 0; i < PhaseLoads; i++)
            {
                Prefetch(start + words[i]);
            }

            for (int i = 0; i < PhaseLoads; i += 8)
            {
                sums += Eight(start, words[i..]);
            }

            words = words[PhaseLoads..];
        }

        return Vector512.Sum(sums) + Rest(start, words);
    }

    /// <summary>Prefetches a fixed distance ahead of the loads.</summary>
    /// <returns>The sum of the words.</returns>
    internal ulong LookAhead()
    {
        // SAFETY: I1, for prefetches as for loads.
        ulong* start = (ulong*)_area.Start;
        ReadOnlySpan<uint> words = _words;
        Vector512<ulong> sums = default;
        while (words.Length >= AheadLoads + 8)
        {
            for (int i = AheadLoads; i < AheadLoads + 8; i++)
            {
                Prefetch(start + words[i]);
            }

            sums += Eight(start, words);
            words = words[8..];
        }

        return Vector512.Sum(sums) + Rest(start, words);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _area.Dispose();

    private static Vector512<ulong> Eight(ulong* start, ReadOnlySpan<uint> words) =>
        Vector512.Create(
            start[words[0]],
            start[words[1]],
            start[words[2]],
            start[words[3]],
            start[words[4]],
            start[words[5]],
            start[words[6]],
            start[words[7]]);

    private static ulong Rest(ulong* start, ReadOnlySpan<uint> words)
    {
        ulong sum = 0;
        foreach (uint word in words)
        {
            sum += start[word];
        }

        return sum;
    }

    private static void Prefetch(ulong* word)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(word);
        }
    }

    // An odd multiplier: different words have different contents, so a load from the wrong place changes the sum.
    private static ulong Content(ulong word) => word * 0x9E37_79B9_7F4A_7C15;
}
