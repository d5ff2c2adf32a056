namespace FastIova.Cli;

/// <summary>The whole of <c>fastiova bench compare</c> after its options are read.</summary>
internal static class CompareSession
{
    private const string StepSummary = "GITHUB_STEP_SUMMARY";

    /// <summary>Compares and reports.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="output">Where the table goes.</param>
    /// <param name="error">Where progress and complaints go.</param>
    /// <returns>One of <see cref="ExitCode"/>: <see cref="ExitCode.Failed"/> when something became slower.</returns>
    internal static int Run(CompareOptions options, TextWriter output, TextWriter error)
    {
        try
        {
            ComparedSide before = Side(options.Base, options.BaseBuild, options);
            ComparedSide after = Side(options.New, options.NewBuild, options);
            IBuild? gauge = options.Measures && before.Report is { } old && after.Report is { } now && IsHere(old.Machine) && IsHere(now.Machine)
                ? EngineBuild.OfThisProgram(Words(options))
                : null;
            string? busy = options.Measures && (before.Build ?? after.Build ?? gauge) is not null ? MachineLoad.Complaint() : null;
            if (busy is not null)
            {
                error.WriteLine($"fastiova: {busy}");
            }

            ComparisonResult result = StepDisplay.During(error, "compare", step => new Comparison(options.Terms, step).Run(before, after, options.Only, gauge));
            if (result.Changes.Count == 0)
            {
                error.WriteLine($"fastiova: there is nothing to compare: '{options.Base}' and '{options.New}' have no figure {(options.Only.Count == 0 ? "at all" : $"under {string.Join(", ", options.Only)}")}. Name other reports, or other prefixes with --only.");
                return ExitCode.BadUsage;
            }

            CompareTable.Print(result, output);
            WriteSummary(result, options.Summary);
            return result.With(Verdict.Regressed).Any() ? ExitCode.Failed : ExitCode.Done;
        }
        catch (CompareUsageException misuse)
        {
            error.WriteLine($"fastiova: {misuse.Message}");
            return ExitCode.BadUsage;
        }
        catch (ReportFormatException broken)
        {
            error.WriteLine($"fastiova: {broken.Message}");
            return ExitCode.BadUsage;
        }
        catch (Exception failure) when (failure is BenchFailureException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"fastiova: {failure.Message}");
            return ExitCode.Failed;
        }
    }

    private static ComparedSide Side(string name, string? build, CompareOptions options)
    {
        EngineBuild? behind = build is null
            ? null
            : EngineBuild.Find(build, Words(options))
                ?? throw new CompareUsageException($"'{build}' is no build of fastiova: name a working tree, a fastiova.dll, an executable, or '{EngineBuild.Now}' for this program.");
        if (name.EndsWith(".json", StringComparison.Ordinal))
        {
            return File.Exists(name)
                ? new ComparedSide(name, ReportFile.Load(name), behind)
                : throw new CompareUsageException($"'{name}' is not a file: name a report that 'fastiova bench --json FILE' wrote.");
        }

        if (EngineBuild.Find(name, Words(options)) is { } itself)
        {
            return options.Measures
                ? new ComparedSide(name, null, itself)
                : throw new CompareUsageException($"'{name}' is a build and --rounds 0 forbids to measure: name a report in its place, or allow rounds.");
        }

        return File.Exists(name)
            ? new ComparedSide(name, ReportFile.Load(name), behind)
            : throw new CompareUsageException($"'{name}' is neither a report nor a build: name a bench.json, a working tree, a fastiova.dll, an executable, or '{EngineBuild.Now}' for this program.");
    }

    private static string[] Words(CompareOptions options) => EngineBuild.Words(options.Quick, options.Reps);

    // Elsewhere figures move by other amounts.
    private static bool IsHere(MachineFacts machine) => string.Equals(machine.CpuModel, MachineFacts.Gather(null).CpuModel, StringComparison.Ordinal);

    private static void WriteSummary(ComparisonResult result, string? file)
    {
        string markdown = CompareMarkdown.Of(result);
        if (file is not null)
        {
            File.WriteAllText(file, markdown);
        }

        // Steps of one job share this file: what others wrote stays.
        if (Environment.GetEnvironmentVariable(StepSummary) is { Length: > 0 } shared && !string.Equals(shared, file, StringComparison.Ordinal))
        {
            File.AppendAllText(shared, markdown);
        }
    }
}
