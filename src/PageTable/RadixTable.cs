using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>
/// The two-level page table: a flat root with one word per large page (2 MiB), reserved for the whole aperture and
/// touched where it is used, over leaf tables of one word per granule (4 KiB).
/// </summary>
/// <typeparam name="TFormat">The shape.</typeparam>
/// <remarks>
/// <para>Owns: the root, one live count per root word, and the frames of the leaf tables.</para>
/// <para>Invariants beside those of <see cref="PageTable"/>. R1: <c>_live[i]</c> is the number of present words in the leaf
/// table of root word <c>i</c>, zero without a table. R2: a leaf table with no present word is kept (freeing it at once
/// costs the next map a miss and readers their memory parallelism) until <see cref="Trim"/>. R3: a word is non-zero only
/// where its block is marked in <c>_blocks</c>, so a scan skips what was never used. R4: the words of a huge page are 512
/// large words; when one of them changes, all lose the huge mark.</para>
/// </remarks>
internal sealed unsafe partial class RadixTable<TFormat> : PageTable
    where TFormat : IPtFormat
{
    private const int BlockLg2 = 9;
    private const ulong BlockWords = 1UL << BlockLg2;

    private readonly VirtualMemory _rootMemory;
    private readonly VirtualMemory _liveMemory;
    private readonly BlockMap _blocks;
    private readonly FrameArena _arena;
    private readonly Queue<nint> _detached = new();
    private readonly ulong* _root;
    private readonly ushort* _live;
    private readonly ulong _beyond;

    // Where single granules fit: their first address less this is at most that. None fits an aperture shorter than a granule.
    private readonly ulong _singleFirst;
    private readonly ulong _singleReach;
    private ulong _releasedEver;

    /// <param name="aperture">The addresses that can be mapped, at most 57 bits.</param>
    /// <param name="largestLg2">The log2 of the largest page to choose: a granule, a large or a huge page.</param>
    /// <param name="hugePages">Whether the memory of the leaf tables is advised to use the host's huge pages.</param>
    internal RadixTable(IovaSpan aperture, int largestLg2, bool hugePages)
        : base(aperture, SizesUpTo(largestLg2))
    {
        // The root covers a power of two, so that masking an address makes its index safe to read.
        int bits = Math.Max(RootShift + BlockLg2, BitOperations.Log2(aperture.Last) + 1);
        _beyond = ~((1UL << bits) - 1);
        ulong words = 1UL << (bits - RootShift);
        _rootMemory = VirtualMemory.Reserve(words * sizeof(ulong), hugePages: false);
        _liveMemory = VirtualMemory.Reserve(words * sizeof(ushort), hugePages: false);
        // SAFETY: both arrays have one element per root word and live as long as the table.
        _root = (ulong*)_rootMemory.Start;
        _live = (ushort*)_liveMemory.Start;
        bool fits = aperture.LengthLessOne >= GranuleBytes - 1;
        _singleFirst = fits ? aperture.First : ulong.MaxValue;
        _singleReach = fits ? aperture.LengthLessOne - (GranuleBytes - 1) : 0;
        _blocks = new BlockMap(words >> BlockLg2);
        _arena = new FrameArena(LeafWords * sizeof(ulong), hugePages);
    }

    internal override int LargeLg2 => RootShift;

    internal override ulong FramesInUse => _arena.FramesInUse;

    internal override ulong DetachedEver => _releasedEver + (ulong)_detached.Count;

    internal override ulong ReleasedEver => _releasedEver;

    internal override ulong BytesTouched =>
        (_arena.FramesTouched * _arena.FrameBytes) + (_blocks.Count * BlockWords * (sizeof(ulong) + sizeof(ushort)));

    // Told to inline: the compiler left calls of these in every write (.NET 10, 2026-11).
    private static int RootShift
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.GranuleLg2 + TFormat.LeafLg2;
    }

    private static ulong LeafWords
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1UL << TFormat.LeafLg2;
    }

    private static ulong LargeMask
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (1UL << RootShift) - 1;
    }

    private static ulong HugeWords
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1UL << TFormat.HugeLg2;
    }

    private static ulong GranuleBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1UL << TFormat.GranuleLg2;
    }

    internal static PageSizes SizesUpTo(int largestLg2)
    {
        ulong all = (1UL << TFormat.GranuleLg2) | (1UL << RootShift) | (1UL << (RootShift + TFormat.HugeLg2));
        return new PageSizes(all & ((2UL << largestLg2) - 1));
    }

    internal override PtWord Walk(ulong iova, out int pageLg2)
    {
        pageLg2 = TFormat.GranuleLg2;
        if ((iova & _beyond) != 0)
        {
            return default;
        }

        // Acquire: pairs with the releases of the writer, so that the words behind a table pointer are seen as it made them.
        var word = new PtWord(Volatile.Read(ref _root[iova >> RootShift]));
        if (word.IsTable)
        {
            return new PtWord(Volatile.Read(ref Leaf(word)[LeafIndex(iova)]));
        }

        pageLg2 = word.IsAbsent ? pageLg2 : word.IsHuge ? RootShift + TFormat.HugeLg2 : RootShift;
        return word;
    }

    /// <summary>The readers' view.</summary>
    internal TwoLevelWalker<TFormat> Walker => new(_root, _beyond);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _detached.Clear();
        _arena.Dispose();
        _blocks.Dispose();
        _liveMemory.Dispose();
        _rootMemory.Dispose();
    }

    // SAFETY: only called for words that have the table bit; their frame is this table's.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong* Leaf(PtWord table) => (ulong*)(table.Bits - PtWord.Table);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong LeafIndex(ulong iova) => (iova >> TFormat.GranuleLg2) & (LeafWords - 1);

    /// <summary>The part of a span that lies under one root word, as leaf indices.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LeafRange(IovaSpan span, ulong rootIndex, out ulong indexFirst, out ulong indexLast)
    {
        indexFirst = span.First >> RootShift == rootIndex ? LeafIndex(span.First) : 0;
        indexLast = span.Last >> RootShift == rootIndex ? LeafIndex(span.Last) : LeafWords - 1;
    }

    /// <summary>Links a new leaf table with the given contents under a root word.</summary>
    /// <returns>False when there is no memory.</returns>
    private bool TryLinkLeaf(ulong rootIndex)
    {
        ulong* frame = _arena.TryTake();
        if (frame == null)
        {
            return false;
        }

        _blocks.Mark(rootIndex >> BlockLg2);

        // Release: pairs with the acquire or the data dependency of a walk; otherwise a reader could find the pointer
        // before the zeros behind it.
        Volatile.Write(ref _root[rootIndex], (ulong)frame | PtWord.Table);
        return true;
    }
}
