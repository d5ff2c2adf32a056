using System.Collections.Concurrent;

namespace FastIova;

/// <summary>Which threads of a client asked for one of the next steps to fail: what the kernel keeps in <c>/proc/PID/task/TID/fail-nth</c>.</summary>
/// <remarks>Threads: any; a thread's own number changes only by itself and by whoever writes its file.</remarks>
internal sealed class FaultRequests
{
    private readonly ConcurrentDictionary<uint, ulong> _remaining = new();

    /// <summary>How many steps of a thread will still pass, plus the one that fails; zero when none will.</summary>
    internal ulong this[uint thread]
    {
        get => _remaining.GetValueOrDefault(thread);
        set
        {
            if (value == 0)
            {
                _remaining.TryRemove(thread, out _);
            }
            else
            {
                _remaining[thread] = value;
            }
        }
    }

    /// <summary>Whether no thread asked.</summary>
    internal bool IsEmpty => _remaining.IsEmpty;

    /// <summary>Lets the step of a thread fail while the calling thread works for it.</summary>
    /// <returns>The plan to give back with <see cref="Disarm"/>; null when the thread asked for nothing.</returns>
    internal FaultPlan? Arm(uint thread) => this[thread] is > 0 and var nth ? FaultPlan.Arm(nth) : null;

    /// <summary>Counts the steps that were reached.</summary>
    internal void Disarm(uint thread, FaultPlan plan)
    {
        plan.Dispose();
        ulong before = this[thread];
        this[thread] = before - Math.Min(before, plan.Reached);
    }
}
