namespace FastIova.Cli;

/// <summary>What a target is compared with.</summary>
internal enum TargetUnit
{
    /// <summary>The ratio of the best to the bound of the same run.</summary>
    Ratio,

    /// <summary>The best itself, in nanoseconds.</summary>
    Nanoseconds,

    /// <summary>The best itself, in bytes.</summary>
    Bytes,
}

/// <summary>One measured number with all that is needed to judge it. Less is better, always: give rates as time per operation.</summary>
/// <param name="Id">Where it stands in the report: parts from general to special, separated by slashes.</param>
/// <param name="BestNs">The best repetition, in <paramref name="Unit"/> per operation.</param>
/// <param name="MedianNs">The median repetition, in <paramref name="Unit"/> per operation.</param>
/// <param name="BoundNs">The best of what the machine itself needs for the same work, measured interleaved with it; null when there is none.</param>
/// <param name="Target">What must not be exceeded; null when nothing is promised.</param>
/// <param name="TargetUnit">What <paramref name="Target"/> is compared with.</param>
/// <param name="Reps">The counted repetitions.</param>
/// <param name="Unit">"ns" or "bytes".</param>
/// <param name="Note">What a reader must know, above all why a target is missed; or null.</param>
internal sealed record Figure(
    string Id,
    double BestNs,
    double MedianNs,
    double? BoundNs,
    double? Target,
    TargetUnit TargetUnit,
    int Reps,
    string Unit = Figure.Nanoseconds,
    string? Note = null)
{
    internal const string Nanoseconds = "ns";
    internal const string Bytes = "bytes";

    /// <summary>What each process measured, when several did; empty when one did. The figure itself is then the one in their middle.</summary>
    internal IReadOnlyList<FigureRun> Runs { get; init; } = [];

    /// <summary>How the times of single operations are spread, by percentile; empty when nobody looked.</summary>
    internal IReadOnlyList<Percentile> Percentiles { get; init; } = [];

    /// <summary>How often the best contains the bound; null without a bound.</summary>
    internal double? Ratio => BestNs / BoundNs;

    /// <summary>What <see cref="Target"/> is compared with.</summary>
    internal double? Judged => TargetUnit == TargetUnit.Ratio ? Ratio : BestNs;

    /// <summary>Whether the target is kept; null when there is no target.</summary>
    internal bool? Met => Target is null || Judged is null ? null : Judged <= Target;

    /// <summary>Takes the times from a measurement.</summary>
    /// <param name="id">The id.</param>
    /// <param name="timing">What was measured.</param>
    /// <param name="bound">The bound, or null.</param>
    /// <param name="target">The target, or null.</param>
    /// <param name="targetUnit">What the target is compared with.</param>
    /// <param name="note">What a reader must know, or null.</param>
    /// <returns>The figure.</returns>
    internal static Figure From(
        string id,
        Timing timing,
        Timing? bound = null,
        double? target = null,
        TargetUnit targetUnit = TargetUnit.Ratio,
        string? note = null) =>
        new(id, timing.BestNs, timing.MedianNs, bound?.BestNs, target, targetUnit, timing.Reps, Nanoseconds, note);

    /// <summary>Says what makes the figure unfit for a report.</summary>
    /// <returns>The complaint, or null when the figure is fit.</returns>
    internal string? Defect()
    {
        if (!double.IsFinite(BestNs) || !double.IsFinite(MedianNs) || BestNs < 0 || MedianNs < BestNs)
        {
            return $"best {BestNs} and median {MedianNs} are no measurement: both are finite, not negative, and the best is not above the median.";
        }

        if (BoundNs is { } bound && !(double.IsFinite(bound) && bound > 0))
        {
            return $"bound {bound} is no bound: it is finite and above zero.";
        }

        if (Target is not null && TargetUnit == TargetUnit.Ratio && BoundNs is null)
        {
            return $"target {Target} is a ratio but there is no bound: measure one, or give the target in nanoseconds.";
        }

        if (Unit is not (Nanoseconds or Bytes))
        {
            return $"unit '{Unit}' is unknown: use '{Nanoseconds}' or '{Bytes}'.";
        }

        return Reps < 1 ? $"{Reps} repetitions are none: count at least one." : null;
    }
}
