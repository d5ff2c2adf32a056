using System.Diagnostics;
using System.Numerics;

namespace FastIova;

/// <summary>How long grace periods lasted. One that waited for nobody, or for less than about half a microsecond, is not timed: it counts as no time at all.</summary>
/// <remarks>
/// <para>Invariant: a bucket counts the waits up to its limit and above the one before; limits are 1 µs and its multiples by powers of four.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class GraceCounts
{
    /// <summary>The buckets with a limit; one more has none.</summary>
    internal const int Limits = 11;

    private readonly long[] _buckets = new long[Limits + 1];
    private long _nanoseconds;

    /// <summary>The sum of all waits.</summary>
    internal long Nanoseconds => Volatile.Read(ref _nanoseconds);

    /// <summary>All grace periods.</summary>
    internal long Count
    {
        get
        {
            long count = 0;
            for (int i = 0; i <= Limits; i++)
            {
                count += this[i];
            }

            return count;
        }
    }

    /// <summary>The grace periods in one bucket.</summary>
    internal long this[int bucket] => Volatile.Read(ref _buckets[bucket]);

    /// <summary>The limit of a bucket in nanoseconds.</summary>
    internal static long LimitOf(int bucket) => 1000L << (2 * bucket);

    /// <summary>Counts a grace period that waited.</summary>
    /// <param name="start">When it began, by <see cref="Stopwatch"/>.</param>
    internal void Waited(long start)
    {
        long nanoseconds = Math.Max(1, (long)Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        Interlocked.Add(ref _nanoseconds, nanoseconds);
        Interlocked.Increment(ref _buckets[BucketOf(nanoseconds)]);
    }

    /// <summary>Counts grace periods that waited for nobody, or too short to be timed.</summary>
    internal void WaitedBriefly(long count) => Interlocked.Add(ref _buckets[0], count);

    /// <summary>Adds what another one has counted.</summary>
    internal void Add(GraceCounts other)
    {
        Interlocked.Add(ref _nanoseconds, other.Nanoseconds);
        for (int i = 0; i <= Limits; i++)
        {
            Interlocked.Add(ref _buckets[i], other[i]);
        }
    }

    /// <summary>The bucket of a wait.</summary>
    internal static int BucketOf(long nanoseconds)
    {
        // Limits are inclusive: one nanosecond less lies below the power of two that the limit is.
        long units = (nanoseconds - 1) / 1000;
        return Math.Min(Limits, (BitOperations.Log2((ulong)units) + (units == 0 ? 0 : 2)) / 2);
    }
}
