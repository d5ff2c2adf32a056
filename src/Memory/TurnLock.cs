using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>A lock of four bytes, for objects of which there are a million: one atomic operation while nobody else wants it. A field, never copied.</summary>
/// <remarks>
/// Not reentrant, not fair. It may be held for as long as pages are faulted in: those who come in vain spin, then yield,
/// then sleep. Threads: any.
/// </remarks>
internal struct TurnLock
{
    private int _held;

    /// <summary>Takes the lock.</summary>
    /// <param name="rank">Its place in the order of locks; kept by the owner, as here is no room.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enter(LockRank rank)
    {
        LockOrder.Enter(rank);

        // Acquire: pairs with the release in Exit; otherwise what the last holder wrote could be missed.
        if (Interlocked.CompareExchange(ref _held, 1, 0) != 0)
        {
            WaitInTurn(ref _held);
        }
    }

    /// <summary>Gives the lock back.</summary>
    /// <param name="rank">As in <see cref="Enter"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Exit(LockRank rank)
    {
        LockOrder.Leave(rank);

        // Release: pairs with the acquire in Enter.
        Volatile.Write(ref _held, 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WaitInTurn(ref int held)
    {
        var spin = new SpinWait();
        do
        {
            spin.SpinOnce();
        }
        while (Volatile.Read(ref held) != 0 || Interlocked.CompareExchange(ref held, 1, 0) != 0);
    }
}
