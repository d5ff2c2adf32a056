using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace FastIova.Litmus;

/// <summary>How a race ended.</summary>
internal enum Outcome
{
    /// <summary>Nobody saw the promise broken.</summary>
    Clean,

    /// <summary>A reader or a writer saw it broken.</summary>
    Seen,

    /// <summary>Memory was used that was closed: the process died of it.</summary>
    Crashed,

    /// <summary>The process did not end.</summary>
    Hung,

    /// <summary>The process ended in a way that says nothing about the promise.</summary>
    Broken,
}

/// <summary>One race in a child process, and what became of it.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Evidence">In words.</param>
/// <param name="Took">Since the child was started.</param>
/// <param name="Output">What it counted.</param>
internal sealed record Trial(Outcome Outcome, string Evidence, TimeSpan Took, RaceOutput Output)
{
    private const int SignalExit = 128;
    private const int BusError = 7;
    private const int SegmentationFault = 11;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(5);

    /// <summary>Whether the promise was seen broken.</summary>
    internal bool IsCaught => Outcome is Outcome.Seen or Outcome.Crashed;

    /// <summary>Races in a child process.</summary>
    internal static Trial Run(RaceTerms terms, TextWriter progress)
    {
        var output = new RaceOutput();
        using Process child = Child(terms);
        child.OutputDataReceived += (_, line) => output.Take(line.Data);
        child.ErrorDataReceived += (_, line) => output.TakeError(line.Data);
        long start = Stopwatch.GetTimestamp();
        _ = child.Start();
        child.BeginOutputReadLine();
        child.BeginErrorReadLine();
        while (!child.WaitForExit(ProgressEvery))
        {
            TimeSpan raced = Stopwatch.GetElapsedTime(start);
            progress.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"litmus: {terms.Cast}, {raced.TotalSeconds:F0} of {terms.Time.TotalSeconds:F0} s: {output.Of(Count.Translations) + output.Of(Count.LinearTranslations):N0} translations, {output.Of(Count.Unmaps):N0} unmaps"));
            if (raced > terms.Longest + Grace)
            {
                child.Kill(entireProcessTree: true);
                child.WaitForExit();
                return new Trial(Outcome.Hung, $"the race did not end {Grace.TotalSeconds:F0} s after its time", raced, output);
            }
        }

        // Once more, without a limit: it returns when the last line has been read.
        child.WaitForExit();
        (Outcome outcome, string evidence) = Judge(child.ExitCode, output);
        return new Trial(outcome, evidence, Stopwatch.GetElapsedTime(start), output);
    }

    private static (Outcome Outcome, string Evidence) Judge(int exit, RaceOutput output)
    {
        string[] errors = output.Errors;
        if (exit == ExitCode.Violation && output.Accusation is { } accusation)
        {
            return (Outcome.Seen, accusation);
        }

        if (exit is SignalExit + SegmentationFault or SignalExit + BusError || errors.Any(line => line.Contains("AccessViolationException", StringComparison.Ordinal)))
        {
            string where = errors.FirstOrDefault(line => line.StartsWith("at FastIova.", StringComparison.Ordinal)) ?? "in native code";
            return (Outcome.Crashed, $"use after unmap caught: the process died of it {where}");
        }

        return exit == ExitCode.Proved && output.Accusation is null
            ? (Outcome.Clean, "clean")
            : (Outcome.Broken, $"the racing process ended with {exit}: {string.Join(" | ", errors.Take(6))}");
    }

    private static Process Child(RaceTerms terms)
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is not known: start it by its path.");
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(program) is "dotnet")
        {
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        }

        string[] words =
        [
            CommandLine.RaceOption, terms.Flaw.ToString(),
            CommandLine.CastOption, terms.Cast.ToString(),
            CommandLine.SecondsOption, terms.Time.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            CommandLine.SeedOption, terms.Seed.ToString(CultureInfo.InvariantCulture),
        ];
        Array.ForEach(words, start.ArgumentList.Add);
        return new Process { StartInfo = start };
    }
}
