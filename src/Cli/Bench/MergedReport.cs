namespace FastIova.Cli;

/// <summary>Several reports of one build as one: each figure is the one in the middle of its runs, and tells of all of them.</summary>
internal static class MergedReport
{
    /// <summary>Merges reports.</summary>
    /// <param name="reports">At least one, of one build on one machine.</param>
    /// <returns>The report, with the machine facts of the last.</returns>
    internal static Report Of(IReadOnlyList<Report> reports) => new(
        reports[^1].Machine,
        [.. reports.SelectMany(report => report.Figures).GroupBy(figure => figure.Id, StringComparer.Ordinal).Select(figures => Middle([.. figures]))]);

    // By what is judged: a figure with a bound by its ratio, which a machine that changes its speed leaves alone.
    private static Figure Middle(Figure[] figures)
    {
        Figure middle = figures.OrderBy(figure => figure.Ratio ?? figure.BestNs).ElementAt((figures.Length - 1) / 2);
        return figures.Length < 2 ? middle : middle with { Runs = [.. figures.Select(figure => new FigureRun(figure.BestNs, figure.BoundNs))] };
    }
}
