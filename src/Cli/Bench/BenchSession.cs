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

        int exit = Publish(new Report(machine, run.Figures), options, repository, failures, output, error);
        return exit == ExitCode.Done && unmatched.Length > 0 ? ExitCode.BadUsage : exit;
    }

    /// <summary>Has several processes measure everything, and reports the one in the middle of each figure, with all that the others saw.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="build">What is measured.</param>
    /// <param name="output">Where the table goes.</param>
    /// <param name="error">Where progress and complaints go.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static int RunRepeated(BenchOptions options, IBuild build, TextWriter output, TextWriter error)
    {
        try
        {
            Report report = StepDisplay.During(error, step =>
            {
                var reports = new List<Report>();
                for (int run = 1; run <= options.Runs; run++)
                {
                    step($"process {run} of {options.Runs}");
                    reports.Add(build.Measure(options.Only));
                }

                return MergedReport.Of(reports);
            });
            return Publish(report, options, RepositoryRoot.Find(), [], output, error);
        }
        catch (BenchFailureException failure)
        {
            error.WriteLine($"fastiova: {failure.Message}");
            return ExitCode.Failed;
        }
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

    private static int Publish(Report report, BenchOptions options, string? repository, List<string> failures, TextWriter output, TextWriter error)
    {
        bool toOutput = options.Json is BenchOptions.StandardOutput;
        if (!toOutput)
        {
            ReportTable.Print(report, output);
        }

        if (options.Json is null || options.Out is not null)
        {
            string folder = options.Out ?? DefaultFolder(repository, report.Machine, options.Partial || failures.Count > 0);
            if (Written(failures, folder, "--out", () => report.Write(folder)) && !toOutput)
            {
                output.WriteLine($"bench.json and bench.md are in {Path.GetFullPath(folder)}");
            }
        }

        if (toOutput)
        {
            output.Write(ReportJson.Of(report));
        }
        else if (options.Json is { } file && Written(failures, file, "--json", () => report.WriteJson(file)))
        {
            output.WriteLine($"the report for programs is {Path.GetFullPath(file)}");
        }

        foreach (string failure in failures)
        {
            error.WriteLine($"fastiova: {failure}");
        }

        return failures.Count > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private static bool Written(List<string> failures, string place, string option, Action write)
    {
        try
        {
            write();
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            failures.Add($"the report could not be written to '{place}': {refused.Message} Name a place that can be written with {option}.");
            return false;
        }
    }

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
