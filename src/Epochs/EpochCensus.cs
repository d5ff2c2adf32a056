namespace FastIova;

/// <summary>Every epoch of the process, and what those have counted that are gone: what the meter of the process reads.</summary>
/// <remarks>
/// <para>Invariant: an epoch that was disposed of stays counted; one that was forgotten without that is not.</para>
/// <para>Threads: any. An epoch's lock is taken inside this one's, never the other way round.</para>
/// </remarks>
internal static class EpochCensus
{
    private const int SmallestSweep = 64;

    private static readonly Lock Gate = new();
    private static readonly EpochCounts Gone = new();
    private static readonly List<WeakReference<Epoch>> Living = [];
    private static int _nextSweep = SmallestSweep;

    /// <summary>What all have counted.</summary>
    internal static EpochCounts Read()
    {
        var counts = new EpochCounts();
        lock (Gate)
        {
            counts.Add(Gone);
            foreach (WeakReference<Epoch> each in Living)
            {
                if (each.TryGetTarget(out Epoch? epoch))
                {
                    counts.Add(epoch.ReadCounts());
                }
            }
        }

        return counts;
    }

    internal static WeakReference<Epoch> Enter(Epoch epoch)
    {
        var entry = new WeakReference<Epoch>(epoch);
        lock (Gate)
        {
            if (Living.Count >= _nextSweep)
            {
                Living.RemoveAll(static each => !each.TryGetTarget(out _));
                _nextSweep = Math.Max(SmallestSweep, 2 * Living.Count);
            }

            Living.Add(entry);
        }

        return entry;
    }

    /// <summary>An epoch ends; not called under its lock.</summary>
    internal static void Leave(WeakReference<Epoch> entry, EpochCounts counts)
    {
        lock (Gate)
        {
            if (Living.Remove(entry))
            {
                Gone.Add(counts);
            }
        }
    }
}
