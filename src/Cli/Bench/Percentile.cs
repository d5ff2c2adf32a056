namespace FastIova.Cli;

/// <summary>One point of a distribution of single operations.</summary>
/// <param name="Of">The percentile, above 0 and at most 100; 100 is the slowest operation of all.</param>
/// <param name="Ns">As many of the operations took this long or less.</param>
internal readonly record struct Percentile(double Of, double Ns)
{
    /// <summary>The percentiles that reports hold: the tail is what a device sees.</summary>
    internal static IReadOnlyList<double> Reported { get; } = [1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100];

    /// <summary>Reads the percentiles off single times.</summary>
    /// <param name="times">At least one; sorted in place.</param>
    /// <returns>One point for each percentile that the number of times can tell apart from the slowest, and the slowest.</returns>
    internal static IReadOnlyList<Percentile> Read(Span<double> times)
    {
        times.Sort();
        var points = new List<Percentile>(Reported.Count);
        foreach (double of in Reported)
        {
            int rank = (int)Math.Ceiling(of / 100 * times.Length);
            if (of >= 100 || rank < times.Length)
            {
                points.Add(new Percentile(of, times[Math.Max(rank, 1) - 1]));
            }
        }

        return points;
    }
}
