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

    /// <summary>Shorter batches are walked one by one: a group of eight takes 60 cycles from its first load to its last store, which pays when others overlap with it.</summary>
    internal const int ShortestGrouped = 16;

    /// <summary>The longest batch of <see cref="RunTwice"/>.</summary>
    internal const int TwoPhaseMost = 256;

    /// <summary>Walks for a batch of addresses whose words may be far away: they are asked for ahead.</summary>
    /// <typeparam name="TWalker">The shape of the table.</typeparam>
    /// <typeparam name="TIsa">The vectors to use; all forms give the same answers.</typeparam>
    /// <typeparam name="TWants">Whether all look-ups want the same.</typeparam>
    /// <typeparam name="TFetch">Which words are asked for.</typeparam>
    /// <param name="walker">The table.</param>
    /// <param name="iovas">Any addresses.</param>
    /// <param name="hosts">Receives the host addresses; zero where the word does not have every bit that is needed.</param>
    /// <param name="count">How many.</param>
    /// <param name="wants">What the look-ups want.</param>
    /// <param name="dirty">The bit that the word of a write must have besides, or zero.</param>
    /// <param name="next">The addresses that the caller will ask for next.</param>
    /// <param name="nextCount">How many of them are known.</param>
    /// <param name="announced">Whether this batch was itself announced, so that its first words are on their way.</param>
    /// <param name="fromLeaves">Grows by the groups of eight look-ups that needed a leaf table; the others could do without words asked for ahead.</param>
    /// <returns>False when at least one answer is zero.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool RunAhead<TWalker, TIsa, TWants, TFetch>(TWalker walker, ulong* iovas, ulong* hosts, int count, TWants wants, ulong dirty, ulong* next, int nextCount, bool announced, ref int fromLeaves)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
        where TWants : unmanaged, IWants<TWants>
        where TFetch : IFetch
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
        bool good = Groups<TWalker, TIsa, TWants, TFetch>(walker, iovas, hosts, 0, done, wants, dirty, iovas + Ahead, ref fromLeaves);
        int offset = done + Ahead - count;
        if (offset < 0)
        {
            good &= Groups<TWalker, TIsa, TWants, FetchNothing>(walker, iovas, hosts, done, done + 8, wants, dirty, null, ref fromLeaves);
            done += 8;
            offset += 8;
        }

        int announcing = Math.Max(0, Math.Min(nextCount - offset, count - done)) & ~7;
        good &= Groups<TWalker, TIsa, TWants, TFetch>(walker, iovas, hosts, done, done + announcing, wants, dirty, next + offset - done, ref fromLeaves);
        return good & Rest<TWalker, TIsa, TWants>(walker, iovas, hosts, done + announcing, count, wants, dirty, ref fromLeaves);
    }

    /// <summary>Walks for a batch of addresses whose words are near.</summary>
    /// <returns>False when at least one answer is zero.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool Run<TWalker, TIsa, TWants>(TWalker walker, ulong* iovas, ulong* hosts, int count, TWants wants, ulong dirty, ref int fromLeaves)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
        where TWants : unmanaged, IWants<TWants> => Rest<TWalker, TIsa, TWants>(walker, iovas, hosts, 0, count, wants, dirty, ref fromLeaves);

    /// <summary>
    /// Walks for a batch of at most <see cref="TwoPhaseMost"/> addresses whose leaf words lie in the outer caches: all are found
    /// and asked for before the first is read, so that no group waits for its own.
    /// </summary>
    /// <returns>False when at least one answer is zero.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool RunTwice<TWalker, TIsa, TWants>(TWalker walker, ulong* iovas, ulong* hosts, int count, TWants wants, ulong dirty, ref int fromLeaves)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
        where TWants : unmanaged, IWants<TWants>
    {
        // SAFETY: as RunAhead; the room has a word for each address.
        byte* room = stackalloc byte[(TwoPhaseMost * sizeof(ulong)) + 64];
        ulong* places = (ulong*)(((ulong)room + 63) & ~63UL);
        nint grouped = TIsa.Lanes == 8 && count <= TwoPhaseMost ? count & ~7 : 0;
        Vector512<ulong> outside = default;
        for (nint i = 0; i < grouped; i += 8)
        {
            Vector512<ulong> iova = Vector512.Load(iovas + i);
            outside |= iova & Vector512.Create(walker.Beyond);
            if (outside != Vector512<ulong>.Zero)
            {
                break;
            }

            fromLeaves += walker.Places(iovas + i, iova, places + i);
            ulong** words = (ulong**)places + i;
            Prefetch.ToL1(words[0]);
            Prefetch.ToL1(words[1]);
            Prefetch.ToL1(words[2]);
            Prefetch.ToL1(words[3]);
            Prefetch.ToL1(words[4]);
            Prefetch.ToL1(words[5]);
            Prefetch.ToL1(words[6]);
            Prefetch.ToL1(words[7]);
        }

        if (grouped == 0 || outside != Vector512<ulong>.Zero)
        {
            return Rest<TWalker, TIsa, TWants>(walker, iovas, hosts, 0, count, wants, dirty, ref fromLeaves);
        }

        Vector512<ulong> refused = default;
        for (nint i = 0; i < grouped; i += 8)
        {
            ulong** words = (ulong**)places + i;
            Vector512<ulong> word = Vector512.Create(*words[0], *words[1], *words[2], *words[3], *words[4], *words[5], *words[6], *words[7]);
            Eight(walker, Vector512.Load(iovas + i), word, wants.Eight(i), dirty, ref refused).Store(hosts + i);
        }

        bool good = refused == Vector512<ulong>.Zero;
        return good & (grouped == count || Apart(walker, iovas, hosts, grouped, count, wants, dirty));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Rest<TWalker, TIsa, TWants>(TWalker walker, ulong* iovas, ulong* hosts, nint first, nint end, TWants wants, ulong dirty, ref int fromLeaves)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
        where TWants : unmanaged, IWants<TWants>
    {
        // SAFETY: as RunAhead.
        nint grouped = end - first < ShortestGrouped ? first : first + ((end - first) & ~7);
        bool good = grouped == first || Groups<TWalker, TIsa, TWants, FetchNothing>(walker, iovas, hosts, first, grouped, wants, dirty, null, ref fromLeaves);
        return good & (grouped == end || Apart(walker, iovas, hosts, grouped, end, wants, dirty));
    }

    /// <summary>Walks for addresses one by one.</summary>
    /// <typeparam name="TWalker">The shape of the table.</typeparam>
    /// <typeparam name="TWants">Whether all look-ups want the same.</typeparam>
    /// <param name="walker">The table.</param>
    /// <param name="iovas">Any addresses.</param>
    /// <param name="hosts">Receives the host addresses; zero where the word does not have every bit that is needed.</param>
    /// <param name="first">The first look-up.</param>
    /// <param name="end">One past the last.</param>
    /// <param name="wants">What the look-ups want.</param>
    /// <param name="dirty">The bit that the word of a write must have besides, or zero.</param>
    /// <returns>False when at least one answer is zero.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool Apart<TWalker, TWants>(TWalker walker, ulong* iovas, ulong* hosts, nint first, nint end, TWants wants, ulong dirty)
        where TWalker : unmanaged, IWalker
        where TWants : unmanaged, IWants<TWants>
    {
        bool good = true;
        for (nint i = first; i < end; i++)
        {
            bool inside = (iovas[i] & walker.Beyond) == 0;
            good &= One(walker, inside ? walker.Word(iovas[i]) : 0, iovas[i], hosts + i, wants.One(i), dirty);
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

    /// <summary>The walk itself, for whole groups of eight from <paramref name="first"/> to <paramref name="end"/>; look-up n asks for the words of <c>ahead[n]</c>.</summary>
    private static bool Groups<TWalker, TIsa, TWants, TFetch>(TWalker walker, ulong* iovas, ulong* hosts, nint first, nint end, TWants wants, ulong dirty, ulong* ahead, ref int fromLeaves)
        where TWalker : unmanaged, IWalker
        where TIsa : IIsa
        where TWants : unmanaged, IWants<TWants>
        where TFetch : IFetch
    {
        byte* room = stackalloc byte[128];
        ulong* aligned = (ulong*)(((ulong)room + 63) & ~63UL);
        ulong mask = ~walker.Beyond;
        nint i = first;
        bool good = true;
        Vector512<ulong> beyond = Vector512.Create(walker.Beyond);
        Vector512<ulong> refused = default;
        for (; i < end; i += 8)
        {
            if (TFetch.Fetches && (!TFetch.Rarely || walker.AnyFromLeaf(ahead + i)))
            {
                for (nint j = i; j < i + 8; j++)
                {
                    Prefetch.Once(walker.WordOf(ahead[j] & mask));
                }
            }

            // Left, not called from: a call in the loop would spill its vectors.
            if (TIsa.Lanes == 8)
            {
                Vector512<ulong> iova = Vector512.Load(iovas + i);
                if ((iova & beyond) != Vector512<ulong>.Zero)
                {
                    break;
                }

                Eight(walker, iova, walker.Words(iovas + i, iova, aligned, ref fromLeaves), wants.Eight(i), dirty, ref refused).Store(hosts + i);
                continue;
            }

            if (((iovas[i] | iovas[i + 1] | iovas[i + 2] | iovas[i + 3] | iovas[i + 4] | iovas[i + 5] | iovas[i + 6] | iovas[i + 7]) & walker.Beyond) != 0)
            {
                break;
            }

            fromLeaves++;
            for (nint j = i; j < i + 8; j += TIsa.Lanes)
            {
                good &= TIsa.Lanes == 4 ? Four(walker, iovas + j, hosts + j, wants.Four(j), dirty)
                    : TIsa.Lanes == 2 ? Two(walker, iovas + j, hosts + j, wants.Two(j), dirty)
                    : One(walker, walker.Word(iovas[j]), iovas[j], hosts + j, wants.One(j), dirty);
            }
        }

        good &= refused == Vector512<ulong>.Zero;
        return good & (i == end || Apart(walker, iovas, hosts, i, end, wants, dirty));
    }

    // The four forms of one answer. A word must be present, allow what is wanted and, where writes are tracked, be dirty already
    // for a write: the permission to write lies five bits below the dirty bit.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Eight<TWalker>(TWalker walker, Vector512<ulong> iova, Vector512<ulong> word, Vector512<ulong> access, ulong dirty, ref Vector512<ulong> refused)
        where TWalker : unmanaged, IWalker
    {
        Vector512<ulong> large = Vector512.Create(PtWord.Large);
        Vector512<ulong> offset = Vector512.ConditionalSelect(
            Vector512.Equals(word & large, large),
            Vector512.Create(walker.LargeOffsetMask),
            Vector512.Create(walker.OffsetMask));
        Vector512<ulong> need = access | Vector512.Create(PtWord.Present) | ((access << PtWord.WriteToDirty) & Vector512.Create(dirty));
        Vector512<ulong> allowed = Vector512.Equals(word & need, need);
        refused |= ~allowed;
        return Vector512.ConditionalSelect(offset, iova, word) & allowed;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Four<TWalker>(TWalker walker, ulong* iovas, ulong* hosts, Vector256<ulong> access, ulong dirty)
        where TWalker : unmanaged, IWalker
    {
        Vector256<ulong> word = Vector256.Create(walker.Word(iovas[0]), walker.Word(iovas[1]), walker.Word(iovas[2]), walker.Word(iovas[3]));
        Vector256<ulong> large = Vector256.Create(PtWord.Large);
        Vector256<ulong> offset = Vector256.ConditionalSelect(
            Vector256.Equals(word & large, large),
            Vector256.Create(walker.LargeOffsetMask),
            Vector256.Create(walker.OffsetMask));
        Vector256<ulong> need = access | Vector256.Create(PtWord.Present) | ((access << PtWord.WriteToDirty) & Vector256.Create(dirty));
        Vector256<ulong> allowed = Vector256.Equals(word & need, need);
        (Vector256.ConditionalSelect(offset, Vector256.Load(iovas), word) & allowed).Store(hosts);
        return allowed == Vector256<ulong>.AllBitsSet;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Two<TWalker>(TWalker walker, ulong* iovas, ulong* hosts, Vector128<ulong> access, ulong dirty)
        where TWalker : unmanaged, IWalker
    {
        Vector128<ulong> word = Vector128.Create(walker.Word(iovas[0]), walker.Word(iovas[1]));
        Vector128<ulong> large = Vector128.Create(PtWord.Large);
        Vector128<ulong> offset = Vector128.ConditionalSelect(
            Vector128.Equals(word & large, large),
            Vector128.Create(walker.LargeOffsetMask),
            Vector128.Create(walker.OffsetMask));
        Vector128<ulong> need = access | Vector128.Create(PtWord.Present) | ((access << PtWord.WriteToDirty) & Vector128.Create(dirty));
        Vector128<ulong> allowed = Vector128.Equals(word & need, need);
        (Vector128.ConditionalSelect(offset, Vector128.Load(iovas), word) & allowed).Store(hosts);
        return allowed == Vector128<ulong>.AllBitsSet;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool One<TWalker>(TWalker walker, ulong word, ulong iova, ulong* host, ulong access, ulong dirty)
        where TWalker : unmanaged, IWalker
    {
        ulong offset = (word & PtWord.Large) != 0 ? walker.LargeOffsetMask : walker.OffsetMask;
        ulong need = access | PtWord.Present | ((access << PtWord.WriteToDirty) & dirty);
        bool allowed = (~word & need) == 0;
        *host = allowed ? (word & ~offset) | (iova & offset) : 0;
        return allowed;
    }

    /// <summary>Whether a walk asks for other words while it goes on.</summary>
    internal interface IFetch
    {
        static abstract bool Fetches { get; }

        static abstract bool Rarely { get; }
    }

    private readonly struct FetchNothing : IFetch
    {
        public static bool Fetches => false;

        public static bool Rarely => false;
    }

    /// <summary>Asks for every word.</summary>
    internal readonly struct FetchAll : IFetch
    {
        public static bool Fetches => true;

        public static bool Rarely => false;
    }

    /// <summary>Asks for the words of groups that need a leaf table, which few do: the root words lie near.</summary>
    internal readonly struct FetchLeaves : IFetch
    {
        public static bool Fetches => true;

        public static bool Rarely => true;
    }
}
