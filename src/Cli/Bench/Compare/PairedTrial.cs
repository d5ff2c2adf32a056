namespace FastIova.Cli;

/// <summary>Two builds that take turns on one figure, until their difference is certain or nobody wants to wait any longer.</summary>
/// <remarks>
/// <para>A round measures both builds, each in a process of its own, one directly after the other. Its differences are those of the logarithms
/// of the times, and of the bounds (without a bound: of the machine's speed).</para>
/// <para>They are read twice: as the change of the ratio to the bound, which forgives a machine that changes its speed, and as the change of the
/// time, which forgives a bound that lies now here, now there. Either reading may convict or acquit, as long as the other one
/// does not say the opposite for certain. Between equal builds both readings are symmetric, so the risks are those of <see cref="PairedLimits"/>.</para>
/// <para>The looks that made a figure suspicious are not among the rounds that judge it: they were picked for being slow.</para>
/// <para>In a simulation (November 2026; times drift by 3 % from process to process, 3 % of the processes are slowed by up to 40 %), of 1500
/// figures each that were 10 % slower all 1500, 1497 and 1491 were found when figures repeat to 0.5, 2 and 4 %, and of as many equal ones 0, 0 and 2 were accused.</para>
/// </remarks>
internal sealed class PairedTrial
{
    // Convicting takes nine rounds at least, acquitting seven.
    private const double RiskOfGuilt = 0.002;
    private const double RiskOfInnocence = 0.01;
    private const double RiskAtEnd = 0.001;

    // A figure whose mean is this many standard errors below the limit needs no exact test to be let go. The floor: no process repeats another better.
    private const int ClearLeast = 5;
    private const double ClearErrors = 4;
    private const double DeviationLeast = 0.01;

    private readonly double _limit;
    private readonly List<(double Time, double Bound)> _rounds = [];

    /// <param name="maxRegression">The change that is allowed, as a fraction.</param>
    internal PairedTrial(double maxRegression) => _limit = Math.Log(1 + maxRegression);

    /// <summary>The rounds so far.</summary>
    internal int Rounds => _rounds.Count;

    /// <summary>Adds a round.</summary>
    /// <param name="time">How much slower the new build was, as a logarithm.</param>
    /// <param name="bound">How much slower its bound was, or the machine; zero when nothing is known.</param>
    internal void Add(double time, double bound) => _rounds.Add((time, bound));

    /// <summary>Judges the rounds so far.</summary>
    /// <param name="last">Whether there will be no more.</param>
    /// <returns>The judgement; its verdict is null when more rounds are needed.</returns>
    internal Judgement Judge(bool last)
    {
        if (_rounds.Count == 0)
        {
            return new Judgement(last ? Verdict.Unclear : null, 0, double.PositiveInfinity, 0);
        }

        var ratio = new Reading([.. _rounds.Select(round => round.Time - round.Bound)]);
        var time = new Reading([.. _rounds.Select(round => round.Time)]);
        Reading sharp = ratio.Width <= time.Width ? ratio : time;
        Verdict? verdict = Convicts(ratio, time) || Convicts(time, ratio) ? Verdict.Regressed
            : Exceeds(ratio, time) || Exceeds(time, ratio) ? Verdict.Faster
            : (Acquits(ratio, time) || Acquits(time, ratio)) && (last || sharp.Middle > -_limit || Rounds >= CompareTerms.RoundsLeast) ? Verdict.Equal
            : last ? AtEnd(sharp, sharp == ratio ? time : ratio)
            : null;
        return new Judgement(verdict, sharp.Middle, sharp.Width / 2, _rounds.Count);
    }

    private bool Convicts(Reading reading, Reading other) => reading.Limits(RiskOfGuilt).Lower > _limit && other.Limits(RiskOfInnocence).Upper > _limit;

    private bool Exceeds(Reading reading, Reading other) => reading.Limits(RiskOfGuilt).Upper < -_limit && other.Limits(RiskOfInnocence).Lower < -_limit;

    private bool Acquits(Reading reading, Reading other) =>
        other.Limits(RiskOfInnocence).Lower <= _limit && (reading.Limits(RiskOfInnocence).Upper < _limit || reading.IsFarBelow(_limit));

    // Slower for certain, and by more than the limit as far as one can tell: that is a regression, though its size is not certain.
    private Verdict AtEnd(Reading sharp, Reading other) =>
        sharp.Middle > _limit && sharp.Limits(RiskAtEnd).Lower > 0 && other.Limits(RiskOfInnocence).Upper > _limit ? Verdict.Regressed
        : sharp.Middle > _limit / 2 ? Verdict.Unclear
        : Verdict.Equal;

    /// <summary>One way to read the rounds.</summary>
    private sealed class Reading(double[] differences)
    {
        internal double Middle { get; } = PairedLimits.Middle(differences);

        /// <summary>How far the limits are apart; infinity when there are too few rounds to tell.</summary>
        internal double Width
        {
            get
            {
                (double lower, double upper) = Limits(RiskOfInnocence);
                return upper - lower;
            }
        }

        internal (double Lower, double Upper) Limits(double risk) => PairedLimits.Of(differences, risk);

        internal bool IsFarBelow(double limit)
        {
            if (differences.Length < ClearLeast)
            {
                return false;
            }

            double mean = differences.Average();
            double deviation = Math.Sqrt(differences.Sum(difference => (difference - mean) * (difference - mean)) / (differences.Length - 1));
            return mean + (ClearErrors * Math.Max(deviation, DeviationLeast) / Math.Sqrt(differences.Length)) < limit && mean > -limit;
        }
    }
}
