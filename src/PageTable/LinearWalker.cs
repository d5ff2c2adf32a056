using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>The readers' view of a <see cref="LinearTable{TFormat}"/>: one array of words, one load.</summary>
/// <typeparam name="TFormat">The shape; only the granule counts.</typeparam>
internal readonly unsafe struct LinearWalker<TFormat> : IWalker
    where TFormat : IPtFormat
{
    private readonly ulong* _words;
    private readonly ulong _beyond;

    /// <param name="words">The words; every index that an address without <paramref name="beyond"/> bits gives lies inside.</param>
    /// <param name="beyond">The bits that no address in the aperture has.</param>
    internal LinearWalker(ulong* words, ulong beyond)
    {
        _words = words;
        _beyond = beyond;
    }

    public static bool HasRoot => false;

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

    // No word of this shape is large.
    public ulong LargeOffsetMask
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (1UL << TFormat.GranuleLg2) - 1;
    }

    // SAFETY: the index lies in the array.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* WordOf(ulong iova) => _words + (iova >> TFormat.GranuleLg2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Word(ulong iova) => *WordOf(iova);

    // The addresses go to the load ports, not through vectors.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<ulong> Words(ulong* iovas, Vector512<ulong> iova, ulong* room, ref int fromLeaves)
    {
        fromLeaves++;
        return Vector512.Create(Word(iovas[0]), Word(iovas[1]), Word(iovas[2]), Word(iovas[3]), Word(iovas[4]), Word(iovas[5]), Word(iovas[6]), Word(iovas[7]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Places(ulong* iovas, Vector512<ulong> iova, ulong* places)
    {
        (Vector512.Create((ulong)_words) + ((iova >>> TFormat.GranuleLg2) << 3)).StoreAligned(places);
        return 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AnyFromLeaf(ulong* iovas) => true;
}
