using System.Runtime.CompilerServices;

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
    public void WordsOf8<TIsa>(ulong* iovas, ulong** words)
        where TIsa : IIsa
    {
        // Scalar in every form: the addresses go to the load ports, not through vectors.
        words[0] = WordOf(iovas[0]);
        words[1] = WordOf(iovas[1]);
        words[2] = WordOf(iovas[2]);
        words[3] = WordOf(iovas[3]);
        words[4] = WordOf(iovas[4]);
        words[5] = WordOf(iovas[5]);
        words[6] = WordOf(iovas[6]);
        words[7] = WordOf(iovas[7]);
    }
}
