using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>Many walks at once, without a lock and without a branch that depends on what is mapped where.</summary>
/// <remarks>Threads: any number of readers, each inside an epoch scope.</remarks>
internal static unsafe class Lookup
{
    /// <summary>
    /// How far ahead of the walk its words are asked for. 48 to 96 are alike within the noise on Zen 4 (2026-11); shorter
    /// does not cover a miss to memory, longer overflows the first-level cache together with a caller's buffers.
    /// </summary>
    internal const int Ahead = 64;

    /// <summary>Walks for a batch of addresses.</summary>
    /// <typeparam name="TWalker">The shape of the table.</typeparam>
    /// <typeparam name="TIsa">The vectors to use; all forms give the same answers.</typeparam>
    /// <param name="walker">The table.</param>
    /// <param name="iovas">Any addresses.</param>
    /// <param name="hosts">Receives the host addresses; zero where the word does not have every bit of <paramref name="need"/>.</param>
    /// <param name="count">How many.</param>
    /// <param name="need">The bits that a word must have.</param>
    /// <param name="next">The addresses that the caller will ask for next.</param>
    /// <param name="nextCount">How many of them are known.</param>
    /// <param name="announced">Whether this batch was itself announced, so that its first words are on their way.</param>
    /// <returns>False when at least one answer is zero.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    internal static bool RunAhead<TWalker, TIsa>(TWalker walker, ulong* iovas, ulong* hosts, int count, ulong need, ulong* next, int nextCount, bool announced)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
    {
        // SAFETY: iovas and hosts have count elements, next has nextCount. Every address is stripped of the bits beyond the
        // aperture before a word is looked for, so the words asked for exist.
        ulong mask = ~walker.Beyond;
        if (!announced)
        {
            for (int i = 0; i < Math.Min(Ahead, count); i++)
            {
                Prefetch.ToL1(walker.WordOf(iovas[i] & mask));
            }

            for (int i = 0; i < Math.Min(Ahead - count, nextCount); i++)
            {
                Prefetch.ToL1(walker.WordOf(next[i] & mask));
            }
        }

        // First the groups whose look-ahead lies in the batch, then those that ask for the first words of the next one.
        int done = Math.Max(0, count - Ahead) & ~7;
        bool good = Groups<TWalker, TIsa>(walker, iovas, hosts, done, need, iovas + Ahead);
        int offset = done + Ahead - count;
        if (offset < 0)
        {
            good &= Run<TWalker, TIsa>(walker, iovas + done, hosts + done, 8, need);
            done += 8;
            offset += 8;
        }

        int announcing = Math.Max(0, Math.Min(nextCount - offset, count - done)) & ~7;
        good &= Groups<TWalker, TIsa>(walker, iovas + done, hosts + done, announcing, need, next + offset);
        done += announcing;
        return good & Run<TWalker, TIsa>(walker, iovas + done, hosts + done, count - done, need);
    }

    /// <summary>Walks for a batch of addresses whose words are near.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    internal static bool Run<TWalker, TIsa>(TWalker walker, ulong* iovas, ulong* hosts, int count, ulong need)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
    {
        // SAFETY: as RunAhead.
        byte* room = stackalloc byte[128];
        ulong** words = (ulong**)(((ulong)room + 63) & ~63UL);
        bool good = true;
        int i = 0;
        for (; i <= count - 8; i += 8)
        {
            good &= Group<TWalker, TIsa>(walker, iovas + i, hosts + i, words, need);
        }

        for (; i < count; i++)
        {
            good &= One(walker, iovas[i], hosts + i, need);
        }

        return good;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Groups<TWalker, TIsa>(TWalker walker, ulong* iovas, ulong* hosts, int count, ulong need, ulong* ahead)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
    {
        byte* room = stackalloc byte[128];
        ulong** words = (ulong**)(((ulong)room + 63) & ~63UL);
        ulong mask = ~walker.Beyond;
        bool good = true;
        for (int i = 0; i < count; i += 8)
        {
            Prefetch.ToL1(walker.WordOf(ahead[i] & mask));
            Prefetch.ToL1(walker.WordOf(ahead[i + 1] & mask));
            Prefetch.ToL1(walker.WordOf(ahead[i + 2] & mask));
            Prefetch.ToL1(walker.WordOf(ahead[i + 3] & mask));
            Prefetch.ToL1(walker.WordOf(ahead[i + 4] & mask));
            Prefetch.ToL1(walker.WordOf(ahead[i + 5] & mask));
            Prefetch.ToL1(walker.WordOf(ahead[i + 6] & mask));
            Prefetch.ToL1(walker.WordOf(ahead[i + 7] & mask));
            good &= Group<TWalker, TIsa>(walker, iovas + i, hosts + i, words, need);
        }

        return good;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Group<TWalker, TIsa>(TWalker walker, ulong* iovas, ulong* hosts, ulong** words, ulong need)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
    {
        ulong any = iovas[0] | iovas[1] | iovas[2] | iovas[3] | iovas[4] | iovas[5] | iovas[6] | iovas[7];
        if ((any & walker.Beyond) != 0)
        {
            return Apart(walker, iovas, hosts, need);
        }

        walker.WordsOf8<TIsa>(iovas, words);
        if (TIsa.Lanes == 8)
        {
            Vector512<ulong> word = Vector512.Create(*words[0], *words[1], *words[2], *words[3], *words[4], *words[5], *words[6], *words[7]);
            Vector512<ulong> large = Vector512.Create(PtWord.Large);
            Vector512<ulong> offset = Vector512.ConditionalSelect(
                Vector512.Equals(word & large, large),
                Vector512.Create(walker.LargeOffsetMask),
                Vector512.Create(walker.OffsetMask));
            Vector512<ulong> wanted = Vector512.Create(need);
            Vector512<ulong> allowed = Vector512.Equals(word & wanted, wanted);
            (Vector512.ConditionalSelect(offset, Vector512.Load(iovas), word) & allowed).Store(hosts);
            return allowed == Vector512<ulong>.AllBitsSet;
        }

        if (TIsa.Lanes == 4)
        {
            return Half(walker, iovas, hosts, words, need) & Half(walker, iovas + 4, hosts + 4, words + 4, need);
        }

        if (TIsa.Lanes == 2)
        {
            return Pair(walker, iovas, hosts, words, need) & Pair(walker, iovas + 2, hosts + 2, words + 2, need)
                & Pair(walker, iovas + 4, hosts + 4, words + 4, need) & Pair(walker, iovas + 6, hosts + 6, words + 6, need);
        }

        bool good = true;
        for (int i = 0; i < 8; i++)
        {
            good &= Finish(walker, *words[i], iovas[i], hosts + i, need);
        }

        return good;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Half<TWalker>(TWalker walker, ulong* iovas, ulong* hosts, ulong** words, ulong need)
        where TWalker : unmanaged, IWalker
    {
        Vector256<ulong> word = Vector256.Create(*words[0], *words[1], *words[2], *words[3]);
        Vector256<ulong> large = Vector256.Create(PtWord.Large);
        Vector256<ulong> offset = Vector256.ConditionalSelect(
            Vector256.Equals(word & large, large),
            Vector256.Create(walker.LargeOffsetMask),
            Vector256.Create(walker.OffsetMask));
        Vector256<ulong> wanted = Vector256.Create(need);
        Vector256<ulong> allowed = Vector256.Equals(word & wanted, wanted);
        (Vector256.ConditionalSelect(offset, Vector256.Load(iovas), word) & allowed).Store(hosts);
        return allowed == Vector256<ulong>.AllBitsSet;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Pair<TWalker>(TWalker walker, ulong* iovas, ulong* hosts, ulong** words, ulong need)
        where TWalker : unmanaged, IWalker
    {
        Vector128<ulong> word = Vector128.Create(*words[0], *words[1]);
        Vector128<ulong> large = Vector128.Create(PtWord.Large);
        Vector128<ulong> offset = Vector128.ConditionalSelect(
            Vector128.Equals(word & large, large),
            Vector128.Create(walker.LargeOffsetMask),
            Vector128.Create(walker.OffsetMask));
        Vector128<ulong> wanted = Vector128.Create(need);
        Vector128<ulong> allowed = Vector128.Equals(word & wanted, wanted);
        (Vector128.ConditionalSelect(offset, Vector128.Load(iovas), word) & allowed).Store(hosts);
        return allowed == Vector128<ulong>.AllBitsSet;
    }

    /// <summary>A group in which an address lies beyond the aperture.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Apart<TWalker>(TWalker walker, ulong* iovas, ulong* hosts, ulong need)
        where TWalker : unmanaged, IWalker
    {
        bool good = true;
        for (int i = 0; i < 8; i++)
        {
            good &= One(walker, iovas[i], hosts + i, need);
        }

        return good;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool One<TWalker>(TWalker walker, ulong iova, ulong* host, ulong need)
        where TWalker : unmanaged, IWalker
    {
        if ((iova & walker.Beyond) != 0)
        {
            *host = 0;
            return false;
        }

        return Finish(walker, *walker.WordOf(iova), iova, host, need);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Finish<TWalker>(TWalker walker, ulong word, ulong iova, ulong* host, ulong need)
        where TWalker : unmanaged, IWalker
    {
        ulong offset = (word & PtWord.Large) != 0 ? walker.LargeOffsetMask : walker.OffsetMask;
        bool allowed = (~word & need) == 0;
        *host = allowed ? (word & ~offset) | (iova & offset) : 0;
        return allowed;
    }
}
