using System.Diagnostics;

namespace FastIova.Cli;

/// <summary>One way to do a piece of work, to be timed.</summary>
/// <param name="name">What complaints call it.</param>
/// <param name="operations">The operations in one run; the time is divided by them.</param>
/// <param name="run">
/// Does them all and returns a checksum of its answers, which also keeps the compiler from leaving the work out.
/// It must not allocate: a collection would be charged to whoever it meets.
/// </param>
internal sealed class Contender(string name, long operations, Func<ulong> run)
{
    private static ulong _sink;

    /// <summary>Runs before each repetition, outside the timed region; or null.</summary>
    internal Action? Prepare { get; init; }

    /// <summary>The checksum that each run must return; null when nothing is known of it.</summary>
    internal ulong? Expected { get; init; }

    /// <summary>Runs once.</summary>
    /// <returns>Nanoseconds per operation.</returns>
    /// <exception cref="BenchFailureException">The checksum is wrong.</exception>
    internal double Lap()
    {
        Prepare?.Invoke();
        long start = Stopwatch.GetTimestamp();
        ulong checksum = run();
        long end = Stopwatch.GetTimestamp();
        if (Expected is { } expected && checksum != expected)
        {
            throw new BenchFailureException(
                $"{name}: the checksum of the answers is 0x{checksum:x}, 0x{expected:x} is right: the answers are wrong, no time is reported for them.");
        }

        // The store makes every answer visible to other threads, so no run is without effect.
        Volatile.Write(ref _sink, checksum);
        return (end - start) * (1e9 / Stopwatch.Frequency) / operations;
    }
}
