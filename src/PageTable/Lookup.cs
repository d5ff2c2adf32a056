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

    /// <summary>Walks for a batch of addresses whose words may be far away: they are asked for ahead.</summary>
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
    internal static bool RunAhead<TWalker, TIsa>(TWalker walker, ulong* iovas, ulong* hosts, int count, ulong need, ulong* next, int nextCount, bool announced)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
    {
        // SAFETY: iovas and hosts have count elements, next has nextCount. Every address is stripped of the bits beyond the
        // aperture, or known to have none, before a word is looked for, so the words asked for exist.
        if (!announced)
        {
            Fetch(walker, iovas, Math.Min(Ahead, count));
            Fetch(walker, next, Math.Min(Ahead - count, nextCount));
        }

        // First the groups whose look-ahead lies in the batch, then those that ask for the first words of the next one.
        int done = Math.Max(0, count - Ahead) & ~7;
        bool good = Groups<TWalker, TIsa, FetchSome>(walker, iovas, hosts, done, need, iovas + Ahead);
        int offset = done + Ahead - count;
        if (offset < 0)
        {
            good &= Groups<TWalker, TIsa, FetchNothing>(walker, iovas + done, hosts + done, 8, need, null);
            done += 8;
            offset += 8;
        }

        int announcing = Math.Max(0, Math.Min(nextCount - offset, count - done)) & ~7;
        good &= Groups<TWalker, TIsa, FetchSome>(walker, iovas + done, hosts + done, announcing, need, next + offset);
        done += announcing;
        return good & Run<TWalker, TIsa>(walker, iovas + done, hosts + done, count - done, need);
    }

    /// <summary>Walks for a batch of addresses whose words are near.</summary>
    /// <returns>False when at least one answer is zero.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool Run<TWalker, TIsa>(TWalker walker, ulong* iovas, ulong* hosts, int count, ulong need)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
    {
        // SAFETY: as RunAhead.
        int grouped = count & ~7;
        bool good = Groups<TWalker, TIsa, FetchNothing>(walker, iovas, hosts, grouped, need, null);
        return good & (grouped == count || Apart(walker, iovas + grouped, hosts + grouped, count - grouped, need));
    }

    /// <summary>Addresses one by one, wherever they lie.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Apart<TWalker>(TWalker walker, ulong* iovas, ulong* hosts, int count, ulong need)
        where TWalker : unmanaged, IWalker
    {
        bool good = true;
        for (int i = 0; i < count; i++)
        {
            bool inside = (iovas[i] & walker.Beyond) == 0;
            good &= Finish(walker, inside ? *walker.WordOf(iovas[i]) : 0, iovas[i], hosts + i, need);
        }

        return good;
    }

    private static void Fetch<TWalker>(TWalker walker, ulong* iovas, int count)
        where TWalker : unmanaged, IWalker
    {
        ulong mask = ~walker.Beyond;
        for (int i = 0; i < count; i++)
        {
            Prefetch.Once(walker.WordOf(iovas[i] & mask));
        }
    }

    /// <summary>The walk itself, for whole groups of eight.</summary>
    private static bool Groups<TWalker, TIsa, TFetch>(TWalker walker, ulong* iovas, ulong* hosts, int count, ulong need, ulong* ahead)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
        where TFetch : IFetch
    {
        byte* room = stackalloc byte[128];
        ulong** words = (ulong**)(((ulong)room + 63) & ~63UL);
        ulong mask = ~walker.Beyond;
        ulong* end = iovas + count;
        bool good = true;
        if (TIsa.Lanes == 8)
        {
            Vector512<ulong> beyond = Vector512.Create(walker.Beyond);
            Vector512<ulong> refused = default;
            for (; iovas < end; iovas += 8, hosts += 8)
            {
                // Left, not called from: a call in the loop would spill its vectors.
                Vector512<ulong> iova = Vector512.Load(iovas);
                if ((iova & beyond) != Vector512<ulong>.Zero)
                {
                    break;
                }

                walker.WordsOf8<TIsa>(iovas, words);
                if (TFetch.Fetches)
                {
                    for (ulong* group = ahead + 8; ahead < group; ahead++)
                    {
                        Prefetch.Once(walker.WordOf(*ahead & mask));
                    }
                }

                Vector512<ulong> word = Vector512.Create(*words[0], *words[1], *words[2], *words[3], *words[4], *words[5], *words[6], *words[7]);
                Vector512<ulong> large = Vector512.Create(PtWord.Large);
                Vector512<ulong> offset = Vector512.ConditionalSelect(
                    Vector512.Equals(word & large, large),
                    Vector512.Create(walker.LargeOffsetMask),
                    Vector512.Create(walker.OffsetMask));
                Vector512<ulong> wanted = Vector512.Create(need);
                Vector512<ulong> allowed = Vector512.Equals(word & wanted, wanted);
                refused |= ~allowed;
                (Vector512.ConditionalSelect(offset, iova, word) & allowed).Store(hosts);
            }

            good = refused == Vector512<ulong>.Zero;
        }
        else
        {
            for (; iovas < end; iovas += 8, hosts += 8)
            {
                if (((iovas[0] | iovas[1] | iovas[2] | iovas[3] | iovas[4] | iovas[5] | iovas[6] | iovas[7]) & walker.Beyond) != 0)
                {
                    break;
                }

                walker.WordsOf8<TIsa>(iovas, words);
                if (TFetch.Fetches)
                {
                    for (ulong* group = ahead + 8; ahead < group; ahead++)
                    {
                        Prefetch.Once(walker.WordOf(*ahead & mask));
                    }
                }

                for (int i = 0; i < 8; i += TIsa.Lanes)
                {
                    good &= TIsa.Lanes == 4 ? Half(walker, iovas + i, hosts + i, words + i, need)
                        : TIsa.Lanes == 2 ? Pair(walker, iovas + i, hosts + i, words + i, need)
                        : Finish(walker, *words[i], iovas[i], hosts + i, need);
                }
            }
        }

        return good & (iovas == end || Apart(walker, iovas, hosts, (int)(end - iovas), need));
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Finish<TWalker>(TWalker walker, ulong word, ulong iova, ulong* host, ulong need)
        where TWalker : unmanaged, IWalker
    {
        ulong offset = (word & PtWord.Large) != 0 ? walker.LargeOffsetMask : walker.OffsetMask;
        bool allowed = (~word & need) == 0;
        *host = allowed ? (word & ~offset) | (iova & offset) : 0;
        return allowed;
    }

    /// <summary>Whether a walk asks for other words while it goes on.</summary>
    private interface IFetch
    {
        static abstract bool Fetches { get; }
    }

    private readonly struct FetchNothing : IFetch
    {
        public static bool Fetches => false;
    }

    private readonly struct FetchSome : IFetch
    {
        public static bool Fetches => true;
    }
}
