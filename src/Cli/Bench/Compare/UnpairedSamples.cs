namespace FastIova.Cli;

/// <summary>One figure of two builds that did not take turns: what a report holds, against another report or against repeated runs.</summary>
/// <remarks>
/// Two readings of the change are made: of the ratio to the bound, and of the time without what the machine drifted by. The one that
/// repeats better judges, and the other must not speak against it. How well they repeat is taken from whatever was measured
/// several times, be it by another build: process after process of one build moves as those of the other do. When nothing was,
/// it is guessed from the distance of best and median, which is no evidence: on a shared machine the next process of the same build may
/// take half as long again. A guess makes a figure unclear and accuses nobody.
/// </remarks>
internal sealed class UnpairedSamples
{
    /// <summary>Of so many processes one can see how well a figure repeats.</summary>
    internal const int Several = 3;

    // How many standard errors a change must have to be none of chance: 3.5 of either side for each of some fifty figures.
    private const double Errors = 3.5;

    // No figure repeats better than this from process to process, and no unrepeated one better than that (measured, November 2026).
    private const double DeviationLeast = 0.0075;
    private const double GuessLeast = 0.018;

    // Two reports may be weeks apart; so much of the drift is not seen in the machine's figures.
    private const double DriftError = 0.01;

    // The median of many is this much less exact than their mean, and cares for no disturbance.
    private const double MedianVariance = Math.PI / 2;

    private readonly double _limit;
    private readonly List<(double? Ratio, double Time)> _base = [];
    private readonly List<(double? Ratio, double Time)> _new = [];
    private readonly List<(double? Ratio, double Time)> _gauge = [];
    private double _spread;

    /// <param name="maxRegression">The change that is allowed, as a fraction.</param>
    internal UnpairedSamples(double maxRegression) => _limit = Math.Log(1 + maxRegression);

    /// <summary>Whether both sides are one and the same measurement, as of a copied report: it has no noise.</summary>
    internal bool SameMeasurement { get; init; }

    /// <summary>Adds what the old report holds.</summary>
    internal void AddBase(Figure figure)
    {
        Add(_base, figure, 0);
        _spread += Spread(figure);
    }

    /// <summary>Adds what the new report holds, or one run of the new build.</summary>
    /// <param name="figure">The figure.</param>
    /// <param name="drift">How much slower the machine was than for the old report.</param>
    internal void AddNew(Figure figure, double drift)
    {
        Add(_new, figure, drift);
        _spread = Math.Max(_spread, Spread(figure));
    }

    /// <summary>Adds a run that is on neither side, and shows how well the figure repeats.</summary>
    internal void AddGauge(Figure figure, double drift) => Add(_gauge, figure, drift);

    /// <summary>Judges what was added.</summary>
    /// <param name="last">Whether no more will be.</param>
    /// <returns>The judgement; its verdict is null when more runs are needed.</returns>
    internal Judgement Judge(bool last)
    {
        (double Change, double Error) time = Reading(sample => sample.Time, DriftError);
        (double Change, double Error) sure = time;
        bool contradicted = false;
        if (_base.Concat(_new).All(sample => sample.Ratio is not null))
        {
            (double Change, double Error) ratio = Reading(sample => sample.Ratio, 0);
            (double Change, double Error) other = time;
            (sure, other) = ratio.Error <= time.Error ? (ratio, time) : (time, ratio);
            contradicted = other.Change + (2 * other.Error) < sure.Change / 2;
        }

        double noise = Errors * sure.Error;
        Verdict? verdict = sure.Change + noise < _limit ? (sure.Change < -_limit && -sure.Change > noise ? Verdict.Faster : Verdict.Equal)
            : sure.Change > _limit && sure.Change > noise && !contradicted && IsProven ? Verdict.Regressed
            : !last ? null
            : sure.Change > _limit ? Verdict.Unclear
            : Verdict.Equal;
        return new Judgement(verdict, sure.Change, noise, Math.Max(_new.Count, _base.Count));
    }

    // Of a copied report, or of something that was measured several times.
    private bool IsProven => SameMeasurement || _base.Count >= Several || _new.Count >= Several || _gauge.Count >= Several;

    private static void Add(List<(double? Ratio, double Time)> side, Figure figure, double drift)
    {
        IEnumerable<FigureRun> runs = figure.Runs.Count > 0 ? figure.Runs : [new FigureRun(figure.BestNs, figure.BoundNs)];
        foreach (FigureRun run in runs)
        {
            side.Add((run.BoundNs is { } bound ? Math.Log(run.BestNs / bound) : null, Math.Log(run.BestNs) - drift));
        }
    }

    private static double Spread(Figure figure) => figure.BestNs > 0 ? Math.Log(figure.MedianNs / figure.BestNs) : 0;

    private (double Change, double Error) Reading(Func<(double? Ratio, double Time), double?> read, double extraError)
    {
        double[] before = [.. _base.Select(read).OfType<double>()];
        double[] after = [.. _new.Select(read).OfType<double>()];
        double change = Median(after) - Median(before);
        if (SameMeasurement)
        {
            return (change, 0);
        }

        double[] gauge = [.. _gauge.Select(read).OfType<double>()];
        double deviation = Deviation(before, after, gauge) ?? Math.Max(GuessLeast, _spread / 2);
        double variance = deviation * deviation * (Weight(before.Length) + Weight(after.Length));
        double error = Math.Sqrt(variance + (extraError * extraError));

        // A single run may be the odd one of its build: what one build was seen to do by itself accuses nobody.
        bool single = before.Length < Several && after.Length < Several && gauge.Length > 0;
        return (change, single ? Math.Max(error, (gauge.Max() - gauge.Min()) / Errors) : error);
    }

    private static double Weight(int count) => count < Several ? 1.0 / count : MedianVariance / count;

    /// <summary>The standard deviation within the groups, over all of them; null when none is large enough to tell.</summary>
    /// <remarks>
    /// From the distance to the group's median that four of five do not exceed: a few disturbed processes do not count, but figures that lie now
    /// here, now there do.
    /// </remarks>
    private static double? Deviation(params ReadOnlySpan<double[]> groups)
    {
        const double Share = 0.8;
        const double DeviationsOfShare = 1.2816;
        var distances = new List<double>();
        int free = 0;
        foreach (double[] group in groups)
        {
            if (group.Length >= Several)
            {
                double middle = Median(group);
                distances.AddRange(group.Select(value => Math.Abs(value - middle)));
                free += group.Length - 1;
            }
        }

        if (free == 0)
        {
            return null;
        }

        distances.Sort();
        double seen = distances[(int)Math.Ceiling(Share * distances.Count) - 1] / DeviationsOfShare;
        return Math.Max(DeviationLeast, seen * Math.Sqrt(distances.Count / (double)free));
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        int middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}
