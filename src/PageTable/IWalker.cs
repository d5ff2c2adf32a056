namespace FastIova;

/// <summary>The readers' view of a page table: from an address to the word that decides about it. Plain values, valid as long as the table.</summary>
/// <remarks>Threads: any number, without a lock, inside a scope of the table's epoch (so that a word found is not freed meanwhile).</remarks>
// SAFETY: declarations only. An implementation returns pointers into the table's own words, for addresses without Beyond bits.
internal unsafe interface IWalker
{
    /// <summary>The bits that no address in the aperture has.</summary>
    ulong Beyond { get; }

    /// <summary>The bits of an address that are the offset in a smallest page.</summary>
    ulong OffsetMask { get; }

    /// <summary>The bits of an address that are the offset in a large page.</summary>
    ulong LargeOffsetMask { get; }

    /// <summary>Finds the deciding word without a branch.</summary>
    /// <param name="iova">An address without <see cref="Beyond"/> bits.</param>
    /// <returns>A word that can always be read: a leaf, or a word that is not present.</returns>
    ulong* WordOf(ulong iova);

    /// <summary>Does <see cref="WordOf"/> for eight addresses at once.</summary>
    /// <typeparam name="TIsa">The vectors to use.</typeparam>
    /// <param name="iovas">Eight addresses without <see cref="Beyond"/> bits.</param>
    /// <param name="words">Receives eight pointers; 64-byte aligned.</param>
    void WordsOf8<TIsa>(ulong* iovas, ulong** words)
        where TIsa : IIsa;
}

/// <summary>Takes a walker of whatever type a table has; the way in which the loops above are closed over the shape of the table.</summary>
/// <typeparam name="TResult">What is made of it.</typeparam>
internal interface IWalkerVisitor<out TResult>
{
    TResult Visit<TWalker>(TWalker walker)
        where TWalker : unmanaged, IWalker;
}
