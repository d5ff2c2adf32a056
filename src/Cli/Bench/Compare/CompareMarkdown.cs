using System.Globalization;
using System.Text;

namespace FastIova.Cli;

/// <summary>A comparison for a pull request: what became slower first, everything else folded away.</summary>
internal static class CompareMarkdown
{
    internal static string Of(ComparisonResult result)
    {
        var text = new StringBuilder();
        bool slower = result.With(Verdict.Regressed).Any();
        text.Append(CultureInfo.InvariantCulture, $"## {(slower ? "❌" : "✅")} Benchmarks: {CompareText.Sentence(result)}\n\n");
        Section(text, "Slower", result.With(Verdict.Regressed));
        Section(text, "Unclear: the noise is as large as the change", result.With(Verdict.Unclear));
        Section(text, "Faster", result.With(Verdict.Faster));
        Section(text, "Only on one side", result.With(Verdict.Alone));
        text.Append("<details><summary>All figures</summary>\n\n");
        Table(text, result.Changes);
        text.Append("\n</details>\n\n");
        foreach (string remark in CompareText.Remarks(result))
        {
            text.Append(CultureInfo.InvariantCulture, $"* {remark}\n");
        }

        return text.Append('\n').ToString();
    }

    private static void Section(StringBuilder text, string title, IEnumerable<FigureChange> changes)
    {
        FigureChange[] rows = [.. changes];
        if (rows.Length > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"### {title}\n\n");
            Table(text, rows);
            text.Append('\n');
        }
    }

    private static void Table(StringBuilder text, IReadOnlyList<FigureChange> changes)
    {
        Row(text, [.. CompareText.Columns, "how"]);
        Row(text, ["---", .. CompareText.Columns[1..].Select(_ => "---:"), "---"]);
        foreach (FigureChange change in changes)
        {
            Row(text, [.. CompareText.Cells(change), change.How]);
        }
    }

    private static void Row(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
}
