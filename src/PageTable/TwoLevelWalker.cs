using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>The readers' view of a <see cref="RadixTable{TFormat}"/>: a flat root of large pages over leaf tables.</summary>
/// <typeparam name="TFormat">The shape.</typeparam>
internal readonly unsafe struct TwoLevelWalker<TFormat> : IWalker
    where TFormat : IPtFormat
{
    private readonly ulong* _root;
    private readonly ulong _beyond;

    /// <param name="root">The root words; every index that an address without <paramref name="beyond"/> bits gives lies inside.</param>
    /// <param name="beyond">The bits that no address in the aperture has.</param>
    internal TwoLevelWalker(ulong* root, ulong beyond)
    {
        _root = root;
        _beyond = beyond;
    }

    public static bool HasRoot => true;

    // Every member is forced inline: one call in a loop of the look-up spills all its vectors.
    public ulong Beyond
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _beyond;
    }

    public ulong OffsetMask
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (1UL << TFormat.GranuleLg2) - 1;
    }

    public ulong LargeOffsetMask
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (1UL << (TFormat.GranuleLg2 + TFormat.LeafLg2)) - 1;
    }

    // The offset of a leaf word in bytes, from the address shifted right so that its index lies above three zero bits.
    private static ulong LeafByteMask
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ((1UL << TFormat.LeafLg2) - 1) << 3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* WordOf(ulong iova)
    {
        // SAFETY: the index lies in the root; a table word points to a frame that outlives the scope of the reader.
        ulong* rootWord = _root + (iova >> (TFormat.GranuleLg2 + TFormat.LeafLg2));
        ulong word = *rootWord;
        ulong isTable = 0 - ((word >> 3) & 1);
        ulong leaf = word - PtWord.Table + ((iova >> (TFormat.GranuleLg2 - 3)) & LeafByteMask);
        return (ulong*)((leaf & isTable) | ((ulong)rootWord & ~isTable));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Word(ulong iova)
    {
        // SAFETY: as WordOf.
        ulong word = _root[iova >> (TFormat.GranuleLg2 + TFormat.LeafLg2)];
        return (word & PtWord.Table) == 0 ? word : *(ulong*)(word - PtWord.Table + ((iova >> (TFormat.GranuleLg2 - 3)) & LeafByteMask));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<ulong> Words(ulong* iovas, Vector512<ulong> iova, ulong* room, ref int fromLeaves)
    {
        Vector512<ulong> word = RootWords(iovas);
        if ((word & Vector512.Create(PtWord.Table)) == Vector512<ulong>.Zero)
        {
            return word; // large pages and holes: the root has said all
        }

        fromLeaves++;
        PlacesBelow(word, iova).StoreAligned(room);
        ulong** words = (ulong**)room;
        return Vector512.Create(*words[0], *words[1], *words[2], *words[3], *words[4], *words[5], *words[6], *words[7]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Places(ulong* iovas, Vector512<ulong> iova, ulong* places)
    {
        Vector512<ulong> word = RootWords(iovas);
        PlacesBelow(word, iova).StoreAligned(places);
        return (word & Vector512.Create(PtWord.Table)) == Vector512<ulong>.Zero ? 0 : 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AnyFromLeaf(ulong* iovas)
    {
        // SAFETY: as WordOf; a masked address lies under the root wherever it is.
        ulong any = 0;
        for (int i = 0; i < 8; i++)
        {
            any |= _root[(iovas[i] & ~_beyond) >> (TFormat.GranuleLg2 + TFormat.LeafLg2)];
        }

        return (any & PtWord.Table) != 0;
    }

    // SAFETY (both): as WordOf, for each lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<ulong> RootWords(ulong* iovas)
    {
        int rootShift = TFormat.GranuleLg2 + TFormat.LeafLg2;
        ulong* root = _root;
        return Vector512.Create(
            root[iovas[0] >> rootShift],
            root[iovas[1] >> rootShift],
            root[iovas[2] >> rootShift],
            root[iovas[3] >> rootShift],
            root[iovas[4] >> rootShift],
            root[iovas[5] >> rootShift],
            root[iovas[6] >> rootShift],
            root[iovas[7] >> rootShift]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<ulong> PlacesBelow(Vector512<ulong> word, Vector512<ulong> iova)
    {
        const int shift = 3;
        int rootShift = TFormat.GranuleLg2 + TFormat.LeafLg2;
        Vector512<ulong> table = Vector512.Create(PtWord.Table);
        Vector512<ulong> leaf = word - table + ((iova >>> (TFormat.GranuleLg2 - shift)) & Vector512.Create(LeafByteMask));
        Vector512<ulong> rootWord = Vector512.Create((ulong)_root) + ((iova >>> rootShift) << shift);
        return Vector512.ConditionalSelect(Vector512.Equals(word & table, table), leaf, rootWord);
    }
}
