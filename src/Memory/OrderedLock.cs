namespace FastIova;

/// <summary>A lock that may be held while others are waited for, and whose rank is checked.</summary>
/// <remarks>Not to be entered twice by one thread: the order of locks forbids it. Threads: any.</remarks>
internal sealed class OrderedLock(LockRank rank)
{
    private readonly Lock _lock = new();

    /// <summary>Takes the lock.</summary>
    /// <returns>Gives it back when disposed; once.</returns>
    internal Holder Enter()
    {
        Take();
        return new Holder(this);
    }

    /// <summary>Takes the lock, for those who give it up in between.</summary>
    internal void Take()
    {
        LockOrder.Enter(rank);
        _lock.Enter();
    }

    /// <summary>Gives the lock back.</summary>
    internal void Give()
    {
        _lock.Exit();
        LockOrder.Leave(rank);
    }

    /// <summary>The time in which the lock is held.</summary>
    internal readonly ref struct Holder
    {
        private readonly OrderedLock _taken;

        internal Holder(OrderedLock taken) => _taken = taken;

        /// <summary>Gives the lock back.</summary>
        public void Dispose() => _taken.Give();
    }
}
