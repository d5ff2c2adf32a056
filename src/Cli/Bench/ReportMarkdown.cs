using System.Globalization;
using System.Text;

namespace FastIova.Cli;

/// <summary>bench.md: the report for people who read the repository.</summary>
internal static class ReportMarkdown
{
    internal static string Of(Report report)
    {
        var text = new StringBuilder();
        text.Append("# Benchmark report\n\nLess is better. A ratio compares the best with a bound of the same machine, measured in the same run.\n\n");
        foreach ((string name, string value) in ReportText.Facts(report.Machine))
        {
            text.Append(CultureInfo.InvariantCulture, $"* {name}: {value}\n");
        }

        text.Append("\n## Figures\n\n");
        AppendRow(text, [.. ReportText.Columns, "note"]);
        AppendRow(text, ["---", .. ReportText.Columns[1..].Select(_ => "---:"), "---"]);
        foreach (Figure figure in report.Figures)
        {
            AppendRow(text, [.. ReportText.Cells(figure), figure.Note ?? string.Empty]);
        }

        text.Append("\n## Missed targets\n\n");
        foreach (Figure figure in report.Missed)
        {
            AppendMissed(text, figure);
        }

        if (!report.Missed.Any())
        {
            text.Append("None.\n");
        }

        return text.ToString();
    }

    private static void AppendMissed(StringBuilder text, Figure figure)
    {
        string measured = ReportText.Judged(figure, figure.Judged);
        string over = figure.Target > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{((figure.Judged / figure.Target) - 1) * 100:0.#} % over")
            : "over";
        text.Append(CultureInfo.InvariantCulture, $"* `{figure.Id}`: {measured}, {over} its target of {ReportText.Judged(figure, figure.Target)}. {figure.Note ?? "No reason is noted."}\n");
    }

    private static void AppendRow(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
}
