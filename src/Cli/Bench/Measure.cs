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

    /// <summary>Compares two that hardly differ: pair by pair, right after each other.</summary>
    /// <param name="pairs">Counted pairs, at least one, after two that are not counted.</param>
    /// <param name="pair">Measures both, the judged one first when it is told so; returns nanoseconds per operation of the judged one and of its bound.</param>
    /// <returns>The median of the bound, and what the judged one comes to by the ratio.</returns>
    /// <remarks>
    /// What the machine does meanwhile meets both of a pair, hence ratios and their median. What is first may be better off or worse, by where
    /// it comes to lie or by what it finds in the caches: the medians of both orders are multiplied, and it cancels out.
    /// </remarks>
    internal static (Timing Judged, Timing Bound) Paired(int pairs, Func<bool, (double Judged, double Bound)> pair)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pairs, 1);
        bool[] orders = new bool[2 * pairs];
        orders.AsSpan(pairs).Fill(true);
        Random.Shared.Shuffle(orders); // in turns, the judged one would again and again get the memory that it has just given back
        double[] bounds = new double[orders.Length];
        List<double> first = [];
        List<double> second = [];
        _ = pair(true);
        _ = pair(false);
        for (int i = 0; i < orders.Length; i++)
        {
            (double judged, bounds[i]) = pair(orders[i]);
            (orders[i] ? first : second).Add(judged / bounds[i]);
        }

        double bound = Timing.Of(bounds).MedianNs;
        double scaled = bound * Math.Sqrt(Timing.Of([.. first]).MedianNs * Timing.Of([.. second]).MedianNs);
        return (new Timing(scaled, scaled, 2 * pairs), new Timing(bound, bound, 2 * pairs));
    }
}
