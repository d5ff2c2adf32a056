namespace FastIova.Cli;

/// <summary>Where paired differences lie, without a belief about how the noise is distributed: the Hodges-Lehmann estimate, and exact limits.</summary>
/// <remarks>
/// Two equal builds that take turns differ by something that is as often above zero as below, whatever the machine does: that symmetry
/// is all that the limits rest on. There are two kinds of them, and the tighter one counts: Wilcoxon's signed ranks, which are close when
/// the noise is even, and the order of the differences alone (the sign test), which do not care how far out a disturbed pair lies.
/// </remarks>
internal static class PairedLimits
{
    /// <summary>The middle of the differences: the median of the means of all pairs of them, each with itself too.</summary>
    /// <param name="differences">At least one.</param>
    /// <returns>The estimate.</returns>
    internal static double Middle(ReadOnlySpan<double> differences) => MedianOfSorted(Means(differences));

    /// <summary>The limits of where the differences lie.</summary>
    /// <param name="differences">At least one.</param>
    /// <param name="risk">The most with which the truth may lie below the lower limit by each of the two kinds, and the same above the upper.</param>
    /// <returns>The limits; infinite when there are too few differences for so small a risk.</returns>
    internal static (double Lower, double Upper) Of(ReadOnlySpan<double> differences, double risk)
    {
        int rank = RankFor(differences.Length, risk);
        int place = PlaceFor(differences.Length, risk);
        double lower = double.NegativeInfinity;
        double upper = double.PositiveInfinity;
        if (rank > 0)
        {
            double[] means = Means(differences);
            (lower, upper) = (means[rank - 1], means[^rank]);
        }

        if (place > 0)
        {
            double[] sorted = differences.ToArray();
            Array.Sort(sorted);
            (lower, upper) = (Math.Max(lower, sorted[place - 1]), Math.Min(upper, sorted[^place]));
        }

        return (lower, upper);
    }

    /// <summary>The largest place k for which fewer than k of the differences are below zero with no more than the risk; zero when there is none.</summary>
    internal static int PlaceFor(int count, double risk)
    {
        double all = Math.Pow(2, count);
        double ways = 1;
        double below = 0;
        int k = 0;
        while (k <= count && (below + ways) / all <= risk)
        {
            below += ways;
            ways = ways * (count - k) / (k + 1);
            k++;
        }

        return k;
    }

    /// <summary>The largest rank k for which the sum of the positive ranks is below k with no more than the risk; zero when there is none.</summary>
    internal static int RankFor(int count, double risk)
    {
        // The number of ways to reach each sum with the ranks 1 to count, each taken or not.
        int most = count * (count + 1) / 2;
        double[] ways = new double[most + 1];
        ways[0] = 1;
        for (int rank = 1; rank <= count; rank++)
        {
            for (int sum = most; sum >= rank; sum--)
            {
                ways[sum] += ways[sum - rank];
            }
        }

        double below = 0;
        double all = Math.Pow(2, count);
        int k = 0;
        while (k <= most && (below + ways[k]) / all <= risk)
        {
            below += ways[k];
            k++;
        }

        return k;
    }

    private static double[] Means(ReadOnlySpan<double> differences)
    {
        if (differences.IsEmpty)
        {
            throw new ArgumentException("There are no differences: at least one has a middle.", nameof(differences));
        }

        double[] means = new double[differences.Length * (differences.Length + 1) / 2];
        int at = 0;
        for (int i = 0; i < differences.Length; i++)
        {
            for (int j = i; j < differences.Length; j++)
            {
                means[at++] = (differences[i] + differences[j]) / 2;
            }
        }

        Array.Sort(means);
        return means;
    }

    private static double MedianOfSorted(double[] sorted)
    {
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
