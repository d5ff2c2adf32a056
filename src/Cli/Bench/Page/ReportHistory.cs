namespace FastIova.Cli;

/// <summary>All reports of one kind of machine, from the oldest commit to the working tree.</summary>
/// <param name="Folder">The folder below perf-reports.</param>
/// <param name="Reports">At least one; the last is the one to show in full. Each with the short name of the commit that brought it.</param>
internal sealed record ReportHistory(string Folder, IReadOnlyList<(string Commit, Report Report)> Reports)
{
    // More than this many points of a line are not told apart.
    private const int CommitsMost = 60;

    /// <summary>The newest report.</summary>
    internal Report Latest => Reports[^1].Report;

    /// <summary>Collects the reports below a folder, with those that git remembers.</summary>
    /// <param name="folder">The folder, as in perf-reports.</param>
    /// <param name="complain">Receives what is left out and why.</param>
    /// <returns>One history for each file, in the order of their folders.</returns>
    internal static IReadOnlyList<ReportHistory> Collect(string folder, Action<string> complain)
    {
        var histories = new List<ReportHistory>();
        foreach (string file in Directory.EnumerateFiles(folder, "bench.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            // What --quick leaves behind is rough and nobody's history.
            if (Path.GetFileName(Path.GetDirectoryName(file)) is "quick")
            {
                continue;
            }

            var reports = new List<(string, Report)>();
            foreach ((string commit, string text) in Remembered(folder, file))
            {
                Read(text, $"{file} of commit {commit}", commit, reports, complain);
            }

            string now = File.ReadAllText(file);
            Read(now, file, "now", reports, complain);
            if (reports.Count > 1 && reports[^1].Item2.Machine.Date == reports[^2].Item2.Machine.Date)
            {
                // The working tree holds what the last commit brought.
                reports.RemoveAt(reports.Count - 1);
            }

            if (reports.Count > 0)
            {
                histories.Add(new ReportHistory(Path.GetRelativePath(folder, Path.GetDirectoryName(file)!), reports));
            }
        }

        return histories;
    }

    /// <summary>The figure with an id in each report; null where a report has none.</summary>
    internal IReadOnlyList<Figure?> Of(string id) =>
        [.. Reports.Select(report => report.Report.Figures.FirstOrDefault(figure => string.Equals(figure.Id, id, StringComparison.Ordinal)))];

    private static void Read(string text, string name, string commit, List<(string, Report)> reports, Action<string> complain)
    {
        try
        {
            reports.Add((commit, ReportFile.Parse(text, name)));
        }
        catch (ReportFormatException broken)
        {
            complain($"{broken.Message} It is left out.");
        }
    }

    private static IEnumerable<(string Commit, string Text)> Remembered(string folder, string file)
    {
        string? commits = GitCommit.Ask(folder, "log", $"--max-count={CommitsMost}", "--format=%h", "--", Path.GetFullPath(file));
        string path = "./" + Path.GetRelativePath(folder, file);
        foreach (string commit in (commits ?? string.Empty).Split('\n', StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            // A commit that took the file away has none to show.
            if (GitCommit.Ask(folder, "show", $"{commit}:{path}") is { Length: > 0 } text)
            {
                yield return (commit, text);
            }
        }
    }
}
