using System.Diagnostics;

namespace FastIova;

/// <summary>The locks in the order in which a thread may take them; see "Lock order" in LANGUAGE.md.</summary>
internal enum LockRank
{
    /// <summary>The hwpts of an ioas.</summary>
    Hwpts = 0,

    /// <summary>What is attached to what: the devices of a group, an access.</summary>
    Attachment = 1,

    /// <summary>The attachment of a hardware group, and its faults.</summary>
    Hardware = 2,

    /// <summary>Where an access is attached.</summary>
    Access = 3,

    /// <summary>The domains and accesses of an ioas.</summary>
    Ioas = 4,

    /// <summary>The areas of an ioas.</summary>
    Areas = 5,

    /// <summary>The pins of one pages object.</summary>
    Pages = 6,

    /// <summary>The writers of one domain.</summary>
    Domain = 7,

    /// <summary>The list of readers.</summary>
    Epoch = 8,

    /// <summary>Free frames.</summary>
    Arena = 9,

    /// <summary>A list of the ledger.</summary>
    Ledger = 10,

    /// <summary>The ids of a context.</summary>
    Objects = 11,
}

/// <summary>Checks the order of locks in checked builds; no code of it is left in others.</summary>
/// <remarks>
/// Invariant: the ranks that a thread holds only rise, so that no two threads wait for each other.
/// Threads: each has its own list.
/// </remarks>
internal static class LockOrder
{
    // Bit n: a lock of rank n is held by this thread.
    [ThreadStatic]
    private static uint _held;

    /// <summary>Says that a lock is about to be taken; before, so that the wrong order is reported instead of a deadlock.</summary>
    /// <param name="rank">Its rank.</param>
    [Conditional("FASTIOVA_CHECKED")]
    internal static void Enter(LockRank rank)
    {
        if (_held >> (int)rank != 0)
        {
            throw new InvalidOperationException($"A lock of rank {rank} is taken while {Held()} is held: take locks in the order of LockRank.");
        }

        _held |= 1u << (int)rank;
    }

    /// <summary>Says that a lock was given back.</summary>
    /// <param name="rank">Its rank.</param>
    [Conditional("FASTIOVA_CHECKED")]
    internal static void Leave(LockRank rank)
    {
        if ((_held & (1u << (int)rank)) == 0)
        {
            throw new InvalidOperationException($"A lock of rank {rank} is given back that this thread does not hold.");
        }

        _held &= ~(1u << (int)rank);
    }

    /// <summary>Demands that this thread holds a lock of a rank.</summary>
    /// <param name="rank">The rank.</param>
    [Conditional("FASTIOVA_CHECKED")]
    internal static void AssertHeld(LockRank rank)
    {
        if ((_held & (1u << (int)rank)) == 0)
        {
            throw new InvalidOperationException($"A lock of rank {rank} must be held here; {Held()} is.");
        }
    }

    /// <summary>Demands that this thread holds no lock from a rank on: before it waits for others.</summary>
    /// <param name="rank">The first rank that must not be held.</param>
    [Conditional("FASTIOVA_CHECKED")]
    internal static void AssertNoneFrom(LockRank rank)
    {
        if (_held >> (int)rank != 0)
        {
            throw new InvalidOperationException($"No lock from rank {rank} on may be held here; {Held()} is.");
        }
    }

    private static string Held() => _held == 0
        ? "none"
        : string.Join(", ", Enum.GetValues<LockRank>().Where(rank => (_held & (1u << (int)rank)) != 0));
}
