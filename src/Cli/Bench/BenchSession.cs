namespace FastIova.Cli;

/// <summary>Runs suites from the first to the last, then reports: the whole of <c>fastiova bench</c> after its options are read.</summary>
internal static class BenchSession
{
    /// <summary>Runs the suites.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="suites">What to run.</param>
    /// <param name="output">Where the table goes.</param>
    /// <param name="error">Where progress and complaints go.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static int Run(BenchOptions options, IReadOnlyList<ISuite> suites, TextWriter output, TextWriter error)
    {
        string? repository = RepositoryRoot.Find();
        var machine = MachineFacts.Gather(repository);
        var failures = new List<string>();
        BenchRun run = StepDisplay.During(error, step =>
        {
            var run = new BenchRun(options, step);
            foreach (ISuite suite in suites)
            {
                RunOne(suite, run, failures);
            }

            return run;
        });

        string[] unmatched = [.. run.UnmatchedPrefixes];
        foreach (string prefix in unmatched)
        {
            error.WriteLine($"fastiova: --only '{prefix}' matches no figure: run 'fastiova bench --quick' to see every id.");
        }

        if (run.Figures.Count == 0 && failures.Count == 0)
        {
            return ExitCode.BadUsage;
        }

        var report = new Report(machine, run.Figures);
        ReportTable.Print(report, output);
        string folder = options.Out ?? DefaultFolder(repository, machine, options.Partial || failures.Count > 0);
        try
        {
            report.Write(folder);
            output.WriteLine($"bench.json and bench.md are in {Path.GetFullPath(folder)}");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            failures.Add($"the report could not be written to '{folder}': {refused.Message} Name a folder that can be written with --out.");
        }

        foreach (string failure in failures)
        {
            error.WriteLine($"fastiova: {failure}");
        }

        return failures.Count > 0 ? ExitCode.Failed : unmatched.Length > 0 ? ExitCode.BadUsage : ExitCode.Done;
    }

    /// <summary>The folder of the report when the user names none.</summary>
    /// <param name="repository">The root of the repository, or null.</param>
    /// <param name="machine">The machine measured.</param>
    /// <param name="partial">Whether the run must not replace the committed report.</param>
    /// <returns>The folder; it may not exist yet.</returns>
    internal static string DefaultFolder(string? repository, MachineFacts machine, bool partial) => Path.Combine(
        repository ?? Directory.GetCurrentDirectory(),
        "perf-reports",
        machine.CpuFolder,
        partial ? "quick" : string.Empty);

    private static void RunOne(ISuite suite, BenchRun run, List<string> failures)
    {
        try
        {
            suite.Run(run);
        }
        catch (Exception failure) when (failure is BenchFailureException or IOException or OutOfMemoryException)
        {
            // The other suites still have something to say.
            failures.Add($"suite '{suite.Name}' failed: {failure.Message}");
        }
    }
}
