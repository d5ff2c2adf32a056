namespace FastIova.Cli;

/// <summary>The figures of one run and the machine they come from.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Figures">The figures, in the order of the report.</param>
internal sealed record Report(MachineFacts Machine, IReadOnlyList<Figure> Figures)
{
    /// <summary>The figures whose target is not kept.</summary>
    internal IEnumerable<Figure> Missed => Figures.Where(figure => figure.Met == false);

    /// <summary>Writes bench.json and bench.md, replacing older ones.</summary>
    /// <param name="folder">Made when it does not exist.</param>
    internal void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        Replace(Path.Combine(folder, "bench.json"), ReportJson.Of(this));
        Replace(Path.Combine(folder, "bench.md"), ReportMarkdown.Of(this));
    }

    // A reader sees the old file or the new one, never a part, also when the run is killed.
    private static void Replace(string path, string content)
    {
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        File.WriteAllText(temporary, content);
        File.Move(temporary, path, overwrite: true);
    }
}
