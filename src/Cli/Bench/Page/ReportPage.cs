using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace FastIova.Cli;

/// <summary>One self-contained web page with the plots of all reports: no script, no network, light and dark.</summary>
internal static partial class ReportPage
{
    // By the table words that a look-up of the set may touch, from few to many.
    private static readonly string[] Sets = ["S2M", "M", "S4K", "L", "MIX", "XL"];

    internal static string Of(IReadOnlyList<ReportHistory> histories)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>FastIova benchmarks</title>\n<style>")
            .Append(PageStyle.Sheet)
            .Append("</style></head><body><main>\n<h1>FastIova benchmarks</h1>\n<p>Times are the best repetition; a bound is what the same machine needs for the bare loads, copies or stores, measured in the same run.</p>\n");
        foreach (ReportHistory history in histories)
        {
            AppendMachine(page, history);
        }

        return page.Append("</main></body></html>\n").ToString();
    }

    private static void AppendMachine(StringBuilder page, ReportHistory history)
    {
        Report report = history.Latest;
        page.Append(CultureInfo.InvariantCulture, $"<section><h2>{LineChart.Html(history.Folder)}</h2>\n<p class=\"facts\">");
        page.AppendJoin(" · ", ReportText.Facts(report.Machine).Select(fact => $"{LineChart.Html(fact.Name)}: {LineChart.Html(fact.Value)}")).Append("</p>\n<div class=\"charts\">\n");
        page.Append(OverSets(report));
        page.Append(OverBatches(report));
        page.Append(OverPercentiles(report));
        page.Append(OfReplays(report));
        page.Append("</div>\n");
        AppendTable(page, report);
        AppendHistory(page, history);
        page.Append("</section>\n");
    }

    private static string OverSets(Report report)
    {
        string[] sets = [.. Sets.Where(set => Find(report, $"translate/batch256/{set}") is not null)];
        string[] places = [.. sets.Select(set => LinesOf(Find(report, $"translate/batch256/{set}")) is { } lines ? $"{set} ({lines})" : set)];
        return new LineChart("Look-ups per second and thread over the size of the set (cache lines of table words)", "million look-ups/s", places).Draw(
            new ChartLine("two-level table", [.. sets.Select(set => Rate(Find(report, $"translate/batch256/{set}")?.BestNs))]),
            new ChartLine("linear table", [.. sets.Select(set => Rate(Find(report, $"translate/linear/{set}")?.BestNs))]),
            new ChartLine("bound: bare loads", [.. sets.Select(set => Rate(Find(report, $"translate/batch256/{set}")?.BoundNs))], IsBound: true));
    }

    private static string OverBatches(Report report)
    {
        int[] sizes = [1, 8, 64, 256];
        double?[] Line(Func<int, string> id) => [.. sizes.Select(size => Find(report, id(size))?.BestNs)];
        return new LineChart("Time over the size of a batch", "ns each", [.. sizes.Select(size => size.ToString(CultureInfo.InvariantCulture))]) { Logarithmic = true }.Draw(
            new ChartLine("look-up, hot", Line(size => size == 1 ? "translate/single/hot" : $"translate/batch{size}/hot")),
            new ChartLine("request in a ring", Line(size => $"ring/publish{size}")),
            new ChartLine("unmap with a busy reader", Line(size => $"unmap/grace/{size}")),
            new ChartLine("bound: copy of the addresses", [.. sizes.Select(_ => Find(report, "translate/batch256/hot")?.BoundNs)], IsBound: true));
    }

    private static string OverPercentiles(Report report)
    {
        Figure[] figures = [.. report.Figures.Where(figure => figure.Percentiles.Count > 0)];
        double[] points = [.. figures.SelectMany(figure => figure.Percentiles.Select(point => point.Of)).Distinct().Order()];
        return new LineChart("Latency of single operations: as many per cent are not slower", "ns", [.. points.Select(point => point >= 100 ? "slowest" : point.ToString("0.##", CultureInfo.InvariantCulture))]) { Logarithmic = true }.Draw(
            [.. figures.Select(figure => new ChartLine(
                figure.Id,
                [.. points.Select(point => figure.Percentiles.Where(percentile => percentile.Of == point).Select(percentile => (double?)percentile.Ns).FirstOrDefault())]))]);
    }

    private static string OfReplays(Report report)
    {
        Figure[] figures = [.. report.Figures.Where(figure => figure.Id.StartsWith("replay/", StringComparison.Ordinal) && figure.Id.Count(c => c == '/') == 1)];
        return new LineChart("Recorded DMA traffic, per record", "ns", [.. figures.Select(figure => Shortened(figure.Id["replay/".Length..]))]) { Size = (860, 300), Connected = false }.Draw(
            new ChartLine("FastIova", [.. figures.Select(figure => (double?)figure.BestNs)]),
            new ChartLine("fastest comparator", [.. figures.Select(figure => figure.BoundNs)], IsBound: true));
    }

    private static void AppendTable(StringBuilder page, Report report)
    {
        page.Append("<details open><summary>All figures</summary><div class=\"scroll\"><table><thead><tr>");
        foreach (string column in ReportText.Columns)
        {
            page.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\">{column}</th>");
        }

        page.Append("</tr></thead><tbody>\n");
        foreach (Figure figure in report.Figures)
        {
            string[] cells = ReportText.Cells(figure);
            page.Append(CultureInfo.InvariantCulture, $"<tr title=\"{LineChart.Html(figure.Note ?? string.Empty)}\"><th scope=\"row\">{LineChart.Html(cells[0])}</th>");
            foreach (string cell in cells[1..])
            {
                page.Append(CultureInfo.InvariantCulture, $"<td>{LineChart.Html(cell)}</td>");
            }

            page.Append("</tr>\n");
        }

        page.Append("</tbody></table></div></details>\n");
    }

    // One small chart for each figure: with one scale for all, none could be read.
    private static void AppendHistory(StringBuilder page, ReportHistory history)
    {
        if (history.Reports.Count < 2)
        {
            page.Append("<p>There is one report: a history begins with the second that is committed.</p>\n");
            return;
        }

        string[] commits = [.. history.Reports.Select(report => report.Commit)];
        page.Append(CultureInfo.InvariantCulture, $"<h3>History: {commits.Length} reports, {LineChart.Html(commits[0])} to {LineChart.Html(commits[^1])}</h3>\n<div class=\"small\">\n");
        foreach (Figure figure in history.Latest.Figures.Where(figure => !MachineDrift.IsOfMachine(figure.Id)))
        {
            bool ratio = figure.Ratio is not null;
            page.Append(new LineChart(figure.Id, ratio ? "x bound" : figure.Unit, commits) { Size = (300, 150), LabelsMost = 4 }.Draw(
                new ChartLine(figure.Id, [.. history.Of(figure.Id).Select(then => ratio ? then?.Ratio : then?.BestNs)])));
        }

        page.Append("</div>\n");
    }

    private static Figure? Find(Report report, string id) => report.Figures.FirstOrDefault(figure => string.Equals(figure.Id, id, StringComparison.Ordinal));

    private static double? Rate(double? ns) => 1000 / ns;

    private static string Shortened(string trace) => trace.Length <= 14 ? trace : trace[..13] + "…";

    private static string? LinesOf(Figure? figure) =>
        figure?.Note is { } note && Lines.Match(note) is { Success: true } match
            ? long.Parse(match.Groups["lines"].ValueSpan, CultureInfo.InvariantCulture).ToString("#,0", CultureInfo.InvariantCulture)
            : null;

    [GeneratedRegex(@"^(?<lines>[0-9]{1,15}) lines of table words", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Lines { get; }
}
