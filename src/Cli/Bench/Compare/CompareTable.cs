using Spectre.Console;

namespace FastIova.Cli;

/// <summary>A comparison on the terminal.</summary>
internal static class CompareTable
{
    private const int WidthWhenPiped = 132;

    internal static void Print(ComparisonResult result, TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (!ReferenceEquals(output, Console.Out) || Console.IsOutputRedirected)
        {
            console.Profile.Width = WidthWhenPiped;
            console.Profile.Capabilities.Ansi = false;
        }

        var table = new Table { Border = TableBorder.Simple };
        for (int i = 0; i < CompareText.Columns.Length; i++)
        {
            table.AddColumn(new TableColumn(CompareText.Columns[i]) { NoWrap = true, Alignment = i == 0 ? Justify.Left : Justify.Right, Padding = new Padding(0, 0, 1, 0) });
        }

        foreach (FigureChange change in result.Changes)
        {
            table.AddRow([.. CompareText.Cells(change).Select((cell, i) => new Text(cell, i == CompareText.Columns.Length - 1 ? StyleOf(change.Verdict) : Style.Plain))]);
        }

        console.Write(table);
        foreach (string remark in CompareText.Remarks(result))
        {
            output.WriteLine(remark);
        }

        foreach (FigureChange change in result.Changes.Where(change => change.Verdict is Verdict.Regressed or Verdict.Unclear))
        {
            output.WriteLine($"{CompareText.Word(change)}: {change.Id} {CompareText.Percent(change.Fraction, sign: true)} ({change.How})");
        }

        output.WriteLine(CompareText.Sentence(result));
    }

    private static Style StyleOf(Verdict verdict) => verdict switch
    {
        Verdict.Regressed => new Style(Color.Red, decoration: Decoration.Bold),
        Verdict.Faster => new Style(Color.Green),
        Verdict.Unclear => new Style(Color.Yellow),
        _ => Style.Plain,
    };
}
