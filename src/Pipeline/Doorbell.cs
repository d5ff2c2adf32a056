namespace FastIova;

/// <summary>Lets waiters of any process sleep until somebody publishes, without losing a wake-up.</summary>
/// <remarks>
/// Two 32-bit words on one line: [0] counts the rings and is slept on, [1] says that somebody may sleep.
/// I1: a waiter reads the count, THEN sets the flag, THEN looks once more, and sleeps only while the count is the one it read.
/// I2: a publisher publishes, THEN looks at the flag, THEN clears it, THEN counts, THEN wakes everybody.
/// Why no wake-up is lost: by the two full fences either the waiter sees what was published or the publisher sees the flag (Dekker); and
/// a publisher that clears a waiter's flag counts after that waiter has read the count, so that the kernel refuses to let it sleep.
/// One flag serves many waiters because each wake wakes all, and who finds nothing sets the flag again.
/// A publisher that is killed between clearing and waking would leave sleepers behind: hence <see cref="SleepLimit"/>.
/// Threads: any, in any process.
/// </remarks>
internal sealed unsafe class Doorbell(uint* words)
{
    /// <summary>The longest single sleep. Only a killed or hostile peer makes a waiter use it up.</summary>
    internal static readonly TimeSpan SleepLimit = TimeSpan.FromSeconds(1);

    private readonly uint* _words = words;

    /// <summary>Signalled whenever waiters are woken, for those who wait on descriptors; null for nobody.</summary>
    internal EventDescriptor? Signal { get; set; }

    /// <summary>Called after publishing, under <see cref="WaitPolicy.Park"/> only: a full fence, and a system call only when somebody sleeps.</summary>
    internal void RingIfAwaited()
    {
        Interlocked.MemoryBarrier(); // pairs with the exchange in Listen; otherwise flag and publication can both be missed
        // SAFETY: the two words lie in the ring's header, mapped as long as the owner of this bell lives.
        if (Volatile.Read(ref _words[1]) != 0) // ordered by the fence above
        {
            Ring();
        }
    }

    /// <summary>Wakes every waiter.</summary>
    internal void Ring()
    {
        // SAFETY: as above.
        Interlocked.Exchange(ref _words[1], 0); // pairs with Listen; must precede the count, otherwise a cleared waiter sleeps on the new count
        Interlocked.Increment(ref _words[0]); // pairs with Listen's read; otherwise a waiter that was about to sleep does so
        Futex.WakeAll(_words);
        Signal?.Signal();
    }

    /// <summary>Announces a waiter. It must look once more before it sleeps.</summary>
    /// <returns>The count to sleep on.</returns>
    internal uint Listen()
    {
        // SAFETY: as above.
        uint count = Volatile.Read(ref _words[0]); // pairs with the increment in Ring; read before the flag is set, see I1
        Interlocked.Exchange(ref _words[1], 1); // pairs with the fence in RingIfAwaited; otherwise flag and publication can both be missed
        return count;
    }

    /// <summary>Sleeps while the count is unchanged.</summary>
    internal void Sleep(uint count, TimeSpan most) => Futex.Wait(_words, count, most < SleepLimit ? most : SleepLimit);
}
