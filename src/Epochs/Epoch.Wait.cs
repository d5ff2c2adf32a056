using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FastIova;

/// <content>The wait for readers.</content>
internal sealed unsafe partial class Epoch
{
    // A batch lasts some hundred nanoseconds: whoever is in one has often left it after so many looks, within half a microsecond. The clock
    // would be read twice for that, which takes as long (unmap/grace/1 166 ns without, 191 to 260 with it, Zen 4).
    private const int LooksWithoutClock = 16;
    private const int LooksBeforeYield = 48;

    /// <summary>Waits until every reader that might use what was taken away before <paramref name="target"/> has left its scope or caught up (E3).</summary>
    /// <param name="target">From <see cref="Publish(ReadOnlySpan{Invalidation})"/>.</param>
    /// <remarks>Threads: any number of writers at once; none holds a lock while it waits. Never from inside an own scope.</remarks>
    internal void WaitForReaders(ulong target)
    {
        // Full fence: pairs with the one in TryEnter. It counts besides, so that nothing comes between it and the look at the readers:
        // a second locked instruction there would give a reader without a fence time to be seen, and the litmus control with it.
        // SAFETY: the word lies in the memory that the caller's hold keeps.
        Interlocked.Increment(ref *_gracePeriods);
        if (Volatile.Read(ref _singleShot) != 0)
        {
            ProcessBarrier.Issue();
        }

        int slots = Volatile.Read(ref _slotsUsed);
        for (int i = 0; i < slots; i++)
        {
            if (IsBehind(i, target) && !LeavesWithin(LooksWithoutClock, i, target))
            {
                WaitFrom(i, slots, target);
                return;
            }
        }
    }

    // From the first reader that takes longer: only then is the wait worth the two looks at the clock.
    private void WaitFrom(int first, int slots, ulong target)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = first; i < slots; i++)
        {
            if (IsBehind(i, target))
            {
                Wait(i, target);
            }
        }

        _waits.Waited(start);
    }

    // Acquire: pairs with the release in EpochSlot.Leave.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsBehind(int index, ulong target)
    {
        ulong announced = Volatile.Read(ref _slots[index].Announced);
        return announced != 0 && announced < target;
    }

    private bool LeavesWithin(int looks, int index, ulong target)
    {
        for (int i = 0; i < looks; i++)
        {
            Thread.SpinWait(1);
            if (!IsBehind(index, target))
            {
                return true;
            }
        }

        return false;
    }

    private void Wait(int index, ulong target)
    {
        // Poll closely first, then leave the core to the reader.
        if (LeavesWithin(LooksBeforeYield, index, target))
        {
            return;
        }

        long start = Environment.TickCount64;
        long report = (long)_patience.TotalMilliseconds;
        while (IsBehind(index, target))
        {
            Thread.Yield();
            long waited = Environment.TickCount64 - start;
            if (waited >= report)
            {
                report += Math.Max(1, (long)_patience.TotalMilliseconds);
                _stuck?.Invoke(new StuckReader(_names[index] ?? "closed", _threads[index], TimeSpan.FromMilliseconds(waited)));
            }
        }
    }
}
