using System.CommandLine;

namespace FastIova.Cli;

/// <summary><c>fastiova bench report</c>: one web page with the plots of all reports.</summary>
internal static class PageCommand
{
    private const string DefaultFile = "bench.html";

    internal static Command Create()
    {
        var file = new Option<string?>("--out")
        {
            Description = $"The page. Default: {DefaultFile} in the current folder. With - it goes to the standard output.",
            HelpName = "FILE",
        };
        var folder = new Option<string?>("--reports")
        {
            Description = "The folder with the reports. Default: perf-reports of the repository.",
            HelpName = "DIR",
        };
        var command = new Command(
            "report",
            "Write one web page with plots of all committed reports and their history in git: throughput over set size, batch sizes, latency of unmap, every figure over commits.") { file, folder };
        command.SetAction(parsed => Run(
            parsed.GetValue(file) ?? DefaultFile,
            parsed.GetValue(folder),
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(string file, string? folder, TextWriter output, TextWriter error)
    {
        string reports = folder ?? Path.Combine(RepositoryRoot.Find() ?? Directory.GetCurrentDirectory(), "perf-reports");
        if (!Directory.Exists(reports))
        {
            error.WriteLine($"fastiova: '{reports}' is not a folder: name the folder with the reports with --reports, or write the first report with 'fastiova bench'.");
            return ExitCode.BadUsage;
        }

        try
        {
            IReadOnlyList<ReportHistory> histories = ReportHistory.Collect(reports, complaint => error.WriteLine($"fastiova: {complaint}"));
            if (histories.Count == 0)
            {
                error.WriteLine($"fastiova: there is no bench.json below '{reports}': write one with 'fastiova bench'.");
                return ExitCode.BadUsage;
            }

            string page = ReportPage.Of(histories);
            if (file is "-")
            {
                output.Write(page);
                return ExitCode.Done;
            }

            if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } parent)
            {
                Directory.CreateDirectory(parent);
            }

            File.WriteAllText(file, page);
            output.WriteLine($"the page is {Path.GetFullPath(file)}");
            return ExitCode.Done;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"fastiova: the page could not be written to '{file}': {refused.Message} Name a file that can be written with --out.");
            return ExitCode.Failed;
        }
    }
}
