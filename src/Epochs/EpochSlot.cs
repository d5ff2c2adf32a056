using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>
/// What one reader shows the writers: two cache lines for the announcement, and two for what the reader alone uses.
/// </summary>
/// <remarks>
/// <para>Owns: nothing; it lies in the memory of its <see cref="Epoch"/>.</para>
/// <para>Invariants: S1 <see cref="Announced"/> is zero outside a scope, and inside one it is an epoch that the reader has
/// caught up with, at latest when <see cref="Epoch.TryEnter"/> has returned true. S2 only the owner of the slot writes
/// <see cref="Announced"/> and <see cref="Seen"/>.</para>
/// <para>Readers: the writers poll <see cref="Announced"/>. Writers: the reader that claimed the slot.</para>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct EpochSlot
{
    /// <summary>The epoch in which the reader entered its scope, or zero.</summary>
    [FieldOffset(0)]
    internal ulong Announced;

    /// <summary>The epoch up to which the reader has carried out the invalidation log. Private to the reader.</summary>
    [FieldOffset(128)]
    internal ulong Seen;

    /// <summary>What the reader has done; on the same lines, which every scope touches anyway.</summary>
    [FieldOffset(136)]
    internal ReaderTally Tally;

    /// <summary>Ends the scope.</summary>
    /// <remarks>Threads: the owner of the slot.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave() =>
        // Release: pairs with the acquire in Epoch.WaitForReaders; otherwise the last uses of a translation could sink
        // below the announcement that they are over.
        Volatile.Write(ref Announced, 0);
}
