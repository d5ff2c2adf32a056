namespace FastIova.Cli;

/// <summary>One row of a comparison.</summary>
/// <param name="Id">The id of the figure.</param>
/// <param name="Base">The figure of the old side, or null when only the new one has it.</param>
/// <param name="New">The figure of the new side, or null when only the old one has it.</param>
/// <param name="Judgement">What was found out.</param>
/// <param name="How">How: what was compared, and how often it was measured.</param>
internal sealed record FigureChange(string Id, Figure? Base, Figure? New, Judgement Judgement, string How)
{
    /// <summary>The verdict, which there is by now.</summary>
    internal Verdict Verdict => Judgement.Verdict ?? Verdict.Unclear;

    /// <summary>The change as a fraction: 0.1 is ten per cent slower.</summary>
    internal double Fraction => Math.Exp(Judgement.Change) - 1;

    /// <summary>The noise as a fraction; infinity when nothing is known of it.</summary>
    internal double NoiseFraction => Math.Exp(Judgement.Noise) - 1;
}

/// <summary>A whole comparison.</summary>
/// <param name="Base">The old side.</param>
/// <param name="New">The new side.</param>
/// <param name="Terms">What counts as a regression.</param>
/// <param name="Changes">The figures, in the order of the new report.</param>
/// <param name="Drift">How much slower the machine was for the new report, as a logarithm.</param>
/// <param name="Remarks">What a reader must know about the comparison as a whole.</param>
internal sealed record ComparisonResult(
    ComparedSide Base,
    ComparedSide New,
    CompareTerms Terms,
    IReadOnlyList<FigureChange> Changes,
    double Drift,
    IReadOnlyList<string> Remarks)
{
    /// <summary>The figures with one verdict.</summary>
    internal IEnumerable<FigureChange> With(Verdict verdict) => Changes.Where(change => change.Verdict == verdict);
}
