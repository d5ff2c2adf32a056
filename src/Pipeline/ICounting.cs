using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>Whether a translation loop counts what it does: a type, so that a loop that does not has no instruction for it.</summary>
internal unsafe interface ICounting
{
    /// <summary>Counts the look-ups of one batch that go through the cache.</summary>
    static abstract void Lookups(EpochSlot* slot, int count);

    /// <summary>Counts those of them that were answered from the table.</summary>
    static abstract void Walks(EpochSlot* slot, int count);

    /// <summary>Counts a single look-up that was answered from the table.</summary>
    static abstract void SingleWalk(EpochSlot* slot);
}

/// <summary>Counts, on a line that the port has to itself: one addition for a batch that hits the cache.</summary>
/// <remarks>Threads: the port's.</remarks>
internal readonly unsafe struct Counting : ICounting
{
    // SAFETY: in all methods the slot is that of the port whose thread this is.

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Lookups(EpochSlot* slot, int count) => slot->Tally.Lookups += (uint)count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Walks(EpochSlot* slot, int count) => slot->Tally.Walks += (uint)count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SingleWalk(EpochSlot* slot) => slot->Tally.SingleWalks++;
}

/// <summary>Counts nothing: what counting is measured against, and nothing else.</summary>
internal readonly unsafe struct NotCounting : ICounting
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Lookups(EpochSlot* slot, int count)
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Walks(EpochSlot* slot, int count)
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SingleWalk(EpochSlot* slot)
    {
    }
}
