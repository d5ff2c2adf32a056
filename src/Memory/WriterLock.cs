using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>A lock for writes that last nanoseconds: one atomic operation while nobody else wants it.</summary>
/// <remarks>
/// The lock of the runtime takes two and looks its owner up: 8.2 ns a pair against 2.2 (Zen 5, 2026-11), more than the map that it guards.
/// Not reentrant, not fair: never held while waiting for anything. Those who come in vain spin, then yield, then sleep.
/// Threads: any.
/// </remarks>
internal sealed class WriterLock(LockRank rank)
{
    private readonly LockRank _rank = rank;
    private int _held;

    /// <summary>Takes the lock.</summary>
    /// <returns>Gives it back when disposed; once.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Holder Enter()
    {
        LockOrder.Enter(_rank);

        // Acquire: pairs with the release in Holder.Dispose; otherwise what the last holder wrote could be missed.
        if (Interlocked.CompareExchange(ref _held, 1, 0) != 0)
        {
            WaitInTurn();
        }

        return new Holder(this);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WaitInTurn()
    {
        var spin = new SpinWait();
        do
        {
            spin.SpinOnce();
        }
        while (Volatile.Read(ref _held) != 0 || Interlocked.CompareExchange(ref _held, 1, 0) != 0);
    }

    /// <summary>The time in which the lock is held.</summary>
    internal readonly ref struct Holder
    {
        private readonly WriterLock _lock;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal Holder(WriterLock taken) => _lock = taken;

        /// <summary>Gives the lock back.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose()
        {
            LockOrder.Leave(_lock._rank);

            // Release: pairs with the compare-exchange in Enter.
            Volatile.Write(ref _lock._held, 0);
        }
    }
}
