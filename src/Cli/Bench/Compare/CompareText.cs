using System.Globalization;

namespace FastIova.Cli;

/// <summary>How a comparison is spelled, on the terminal and in the summary alike.</summary>
internal static class CompareText
{
    internal static readonly string[] Columns = ["id", "base", "new", "change", "noise", "measured", "verdict"];

    /// <summary>The cells of one row, in the order of <see cref="Columns"/>.</summary>
    internal static string[] Cells(FigureChange change) =>
    [
        change.Id,
        Value(change.Base),
        Value(change.New),
        change.Verdict == Verdict.Alone ? ReportText.Nothing : Percent(change.Fraction, sign: true),
        change.Verdict == Verdict.Alone || double.IsInfinity(change.NoiseFraction) ? ReportText.Nothing : $"± {Percent(change.NoiseFraction, sign: false)}",
        change.Judgement.Rounds == 0 ? ReportText.Nothing : $"{change.Judgement.Rounds}x",
        Word(change),
    ];

    /// <summary>The verdict as a word.</summary>
    internal static string Word(FigureChange change) => change.Verdict switch
    {
        Verdict.Regressed => "SLOWER",
        Verdict.Faster => "faster",
        Verdict.Unclear => "unclear",
        Verdict.Alone => change.Base is null ? "new" : "gone",
        _ => "equal",
    };

    /// <summary>The whole comparison in one sentence.</summary>
    internal static string Sentence(ComparisonResult result)
    {
        int slower = result.With(Verdict.Regressed).Count();
        int unclear = result.With(Verdict.Unclear).Count();
        string limit = Percent(result.Terms.MaxRegression, sign: false);
        string more = unclear == 0 ? string.Empty : $"; {unclear} {(unclear == 1 ? "is" : "are")} unclear";
        return slower == 0
            ? $"No figure of {result.Changes.Count} is slower by more than {limit}{more}."
            : $"Of {result.Changes.Count} figures {slower} {(slower == 1 ? "is" : "are")} slower by more than {limit}{more}.";
    }

    /// <summary>What a reader must know about the whole.</summary>
    internal static IEnumerable<string> Remarks(ComparisonResult result)
    {
        yield return $"base: {Side(result.Base)}";
        yield return $"new: {Side(result.New)}";
        yield return $"The machine itself needed {Percent(Math.Exp(result.Drift) - 1, sign: true)} of the time for the new side (the median of its own figures and all bounds), which is taken off.";
        foreach (string remark in result.Remarks)
        {
            yield return remark;
        }
    }

    /// <summary>A fraction in per cent.</summary>
    internal static string Percent(double fraction, bool sign) =>
        double.IsInfinity(fraction) ? "from zero" : (fraction * 100).ToString(sign ? "+0.0;-0.0;0.0" : "0.#", CultureInfo.InvariantCulture) + " %";

    private static string Side(ComparedSide side) => side.Report is { } report
        ? $"{side.Name} (commit {report.Machine.Commit}, {report.Machine.Date.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)}, {report.Machine.CpuModel}, instruction set {report.Machine.Isa})"
        : side.Name;

    private static string Value(Figure? figure) => figure is null ? ReportText.Nothing
        : figure.Ratio is { } ratio ? $"{ReportText.Amount(figure.BestNs, figure.Unit)} = {ratio.ToString("0.00", CultureInfo.InvariantCulture)}x"
        : ReportText.Amount(figure.BestNs, figure.Unit);
}
