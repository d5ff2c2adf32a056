using Spectre.Console;

namespace FastIova.Cli;

/// <summary>The report on the terminal.</summary>
internal static class ReportTable
{
    private const int WidthWhenPiped = 120;

    internal static void Print(Report report, TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (!ReferenceEquals(output, Console.Out) || Console.IsOutputRedirected)
        {
            // A file has no width of its own; the one assumed for it would break the rows.
            console.Profile.Width = WidthWhenPiped;
            console.Profile.Capabilities.Ansi = false;
        }

        var table = new Table { Border = TableBorder.Simple };
        foreach (string column in ReportText.Columns)
        {
            table.AddColumn(new TableColumn(column)
            {
                NoWrap = true,
                Alignment = string.Equals(column, ReportText.Columns[0], StringComparison.Ordinal) ? Justify.Left : Justify.Right,
                Padding = new Padding(0, 0, 1, 0),
            });
        }

        string? group = null;
        foreach (Figure figure in report.Figures)
        {
            string next = figure.Id.Split('/')[0];
            if (group is not null && !string.Equals(group, next, StringComparison.Ordinal))
            {
                table.AddEmptyRow();
            }

            group = next;
            table.AddRow([.. ReportText.Cells(figure).Select(cell => new Text(cell, StyleOf(figure, cell)))]);
        }

        console.Write(table);
        int judged = report.Figures.Count(figure => figure.Met is not null);
        int missed = report.Missed.Count();
        console.WriteLine($"figures: {report.Figures.Count}; targets met: {judged - missed} of {judged}; instruction set: {report.Machine.Isa}; processor: {report.Machine.CpuModel}");
    }

    // Only the verdict has a colour: it is what the eye looks for.
    private static Style StyleOf(Figure figure, string cell) => (figure.Met, cell) switch
    {
        (true, "yes") => new Style(Color.Green),
        (false, "NO") => new Style(Color.Red, decoration: Decoration.Bold),
        _ => Style.Plain,
    };
}
