namespace FastIova.Cli;

/// <summary>Repeats measurements so that they can be compared.</summary>
/// <remarks>
/// The speed of a shared machine drifts. Contenders are therefore interleaved (A B, B A, ...), so that drift meets all of
/// them, and each round starts with another one, so that none always follows the same neighbour's leftovers in the caches.
/// </remarks>
internal static class Measure
{
    /// <summary>Times contenders against each other, after one round that is not counted.</summary>
    /// <param name="reps">Counted rounds, at least one.</param>
    /// <param name="contenders">The contenders.</param>
    /// <returns>Their times, in the order of the contenders.</returns>
    /// <exception cref="BenchFailureException">A contender gave wrong answers.</exception>
    internal static Timing[] Interleaved(int reps, params ReadOnlySpan<Contender> contenders)
    {
        var laps = new Func<double>[contenders.Length];
        for (int i = 0; i < laps.Length; i++)
        {
            laps[i] = contenders[i].Lap;
        }

        return Interleaved(reps, laps);
    }

    /// <summary>The same for work that keeps its own time, such as work of several threads.</summary>
    /// <param name="reps">Counted rounds, at least one.</param>
    /// <param name="laps">Each runs once and returns nanoseconds per operation.</param>
    /// <returns>Their times, in the order given.</returns>
    internal static Timing[] Interleaved(int reps, params ReadOnlySpan<Func<double>> laps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(reps, 1);
        double[][] times = new double[laps.Length][];
        for (int i = 0; i < times.Length; i++)
        {
            times[i] = new double[reps];
            _ = laps[i]();
        }

        for (int round = 0; round < reps; round++)
        {
            for (int turn = 0; turn < laps.Length; turn++)
            {
                int i = (round + turn) % laps.Length;
                times[i][round] = laps[i]();
            }
        }

        return Array.ConvertAll(times, lap => Timing.Of(lap));
    }
}
