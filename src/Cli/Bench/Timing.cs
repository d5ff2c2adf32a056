namespace FastIova.Cli;

/// <summary>What the repetitions of one measurement came to.</summary>
/// <param name="BestNs">The best, in nanoseconds per operation.</param>
/// <param name="MedianNs">The median, in nanoseconds per operation.</param>
/// <param name="Reps">How many were counted.</param>
internal readonly record struct Timing(double BestNs, double MedianNs, int Reps)
{
    /// <summary>Sums repetitions up.</summary>
    /// <param name="laps">Nanoseconds per operation, one for each repetition; at least one. Sorted in place.</param>
    /// <returns>Their best and median; of an even number, the median is the mean of the middle two.</returns>
    internal static Timing Of(Span<double> laps)
    {
        laps.Sort();
        int middle = laps.Length / 2;
        double median = laps.Length % 2 == 1 ? laps[middle] : (laps[middle - 1] + laps[middle]) / 2;
        return new Timing(laps[0], median, laps.Length);
    }

    /// <summary>The one with the best best: a bound is the fastest of several ways to do the same work.</summary>
    /// <param name="ways">At least one.</param>
    /// <returns>One of them.</returns>
    internal static Timing Fastest(params ReadOnlySpan<Timing> ways)
    {
        Timing fastest = ways[0];
        foreach (Timing way in ways)
        {
            fastest = way.BestNs < fastest.BestNs ? way : fastest;
        }

        return fastest;
    }
}
