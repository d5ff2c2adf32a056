using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>The readers' view of a page table: from an address to the word that decides about it. Plain values, valid as long as the table.</summary>
/// <remarks>Threads: any number, without a lock, inside a scope of the table's epoch (so that a word found is not freed meanwhile).</remarks>
// SAFETY: declarations only. An implementation returns pointers into the table's own words, for addresses without Beyond bits.
internal unsafe interface IWalker
{
    /// <summary>Whether a word of the root can decide alone: only then may a batch do without leaf tables.</summary>
    static abstract bool HasRoot { get; }

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

    /// <summary>Reads the deciding word: a guess which kind of word the root has, so faster than <see cref="WordOf"/> while the guess is right.</summary>
    /// <param name="iova">An address without <see cref="Beyond"/> bits.</param>
    /// <returns>A leaf, or a word that is not present.</returns>
    ulong Word(ulong iova);

    /// <summary>Reads the deciding words of eight addresses.</summary>
    /// <param name="iovas">Eight addresses without <see cref="Beyond"/> bits.</param>
    /// <param name="iova">The same.</param>
    /// <param name="room">Eight words, 64-byte aligned, to be used on the way.</param>
    /// <param name="fromLeaves">One is added when a word of a leaf table was looked for.</param>
    /// <returns>Eight words as <see cref="Word"/> returns them.</returns>
    Vector512<ulong> Words(ulong* iovas, Vector512<ulong> iova, ulong* room, ref int fromLeaves);

    /// <summary>Finds the deciding words of eight addresses, as <see cref="WordOf"/> does.</summary>
    /// <param name="iovas">Eight addresses without <see cref="Beyond"/> bits.</param>
    /// <param name="iova">The same.</param>
    /// <param name="places">Receives eight pointers, 64-byte aligned.</param>
    /// <returns>One when a word lies in a leaf table, else zero.</returns>
    int Places(ulong* iovas, Vector512<ulong> iova, ulong* places);

    /// <summary>Whether one of eight addresses is decided by a leaf table.</summary>
    /// <param name="iovas">Any addresses; <see cref="Beyond"/> bits are ignored.</param>
    bool AnyFromLeaf(ulong* iovas);
}

/// <summary>Takes a walker of whatever type a table has; the way in which the loops above are closed over the shape of the table.</summary>
/// <typeparam name="TResult">What is made of it.</typeparam>
internal interface IWalkerVisitor<out TResult>
{
    TResult Visit<TWalker>(TWalker walker)
        where TWalker : unmanaged, IWalker;
}
