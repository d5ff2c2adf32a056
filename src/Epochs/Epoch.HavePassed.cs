namespace FastIova;

/// <content>The wait that is over before it begins.</content>
internal sealed unsafe partial class Epoch
{
    /// <summary>Whether <see cref="WaitForReaders"/> would return at once, without a barrier for single-shot readers.</summary>
    /// <param name="target">As there.</param>
    /// <remarks>Threads: any; locks may be held, as nothing is waited for.</remarks>
    internal bool HavePassed(ulong target)
    {
        // Full fence: pairs with the one in TryEnter, as in WaitForReaders.
        Interlocked.MemoryBarrier();
        bool passed = Volatile.Read(ref _singleShot) == 0;
        int slots = Volatile.Read(ref _slotsUsed);
        for (int i = 0; i < slots && passed; i++)
        {
            passed = !IsBehind(i, target);
        }

        if (passed)
        {
            // SAFETY: the word lies in the memory that the caller's hold keeps.
            Interlocked.Increment(ref *_gracePeriods);
        }

        return passed;
    }
}
