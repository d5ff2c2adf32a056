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

    /// <summary>Writes the report for programs to one file, replacing an older one.</summary>
    /// <param name="path">The file; its folder is made when it does not exist. A pipe or a device is written to as it is.</param>
    internal void WriteJson(string path)
    {
        if (Path.Exists(path) && (File.GetAttributes(path) & (FileAttributes.Device | FileAttributes.ReparsePoint)) is not FileAttributes.None)
        {
            File.WriteAllText(path, ReportJson.Of(this));
            return;
        }

        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        Replace(path, ReportJson.Of(this));
    }

    // A reader sees the old file or the new one, never a part, also when the run is killed.
    private static void Replace(string path, string content)
    {
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        File.WriteAllText(temporary, content);
        File.Move(temporary, path, overwrite: true);
    }
}
