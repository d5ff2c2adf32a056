using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>A lock for writes that last nanoseconds: one atomic operation while nobody else wants it.</summary>
/// <remarks>
/// The lock of the runtime takes two and looks its owner up: 8.2 ns a pair against 2.2 (Zen 5, 2026-11), more than the map that it guards.
/// A <see cref="TurnLock"/> that knows its rank: not reentrant, not fair, never held while waiting for anything.
/// Threads: any.
/// </remarks>
internal sealed class WriterLock(LockRank rank)
{
    private readonly LockRank _rank = rank;
    private TurnLock _lock;

    /// <summary>Takes the lock.</summary>
    /// <returns>Gives it back when disposed; once.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Holder Enter()
    {
        _lock.Enter(_rank);
        return new Holder(this);
    }

    /// <summary>The time in which the lock is held.</summary>
    internal readonly ref struct Holder
    {
        private readonly WriterLock _taken;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal Holder(WriterLock taken) => _taken = taken;

        /// <summary>Gives the lock back.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _taken._lock.Exit(_taken._rank);
    }
}
