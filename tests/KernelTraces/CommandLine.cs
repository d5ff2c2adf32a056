using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FastIova.KernelTraces;

/// <summary>Reads the command line and replays, or checks that the traces are understood.</summary>
internal static class CommandLine
{
    private const int Success = 0;
    private const int Differs = 1;
    private const int BadUsage = 2;

    private const string OldRelease = "6.12";
    private const string NewRelease = "7.3";

    /// <summary>The recorded sets of a release, as the build lays them beside the program.</summary>
    internal static string ShippedFolder(string release) => Path.Combine(AppContext.BaseDirectory, "kernel-traces", release);

    internal static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Archives (.tar.xz), traces (.txt), or folders of them. Default: the recorded sets.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var inProcess = new Option<bool>("--in-process") { Description = "Call the engine directly. Default: system calls, which 'fastiova run' answers." };
        var release = new Option<string>("--release")
        {
            Description = "Whose recorded sets are the default, and as which release the engine answers in process.",
            DefaultValueFactory = _ => OldRelease,
        };
        release.AcceptOnlyFromAmong(OldRelease, NewRelease);
        var summary = new Option<bool>("--summary") { Description = "Say of every difference what was recorded and what is answered, where traces begin to differ first." };
        var folder = new Option<string?>("--out") { Description = "Write the answers here, in the form of the traces.", HelpName = "DIR" };
        var faults = new Option<int?>("--faults")
        {
            Description = "Let random steps fail, in process: answers differ, but nothing may be held at the end.",
            HelpName = "SEED",
        };
        var replay = new Command("replay", "Make the recorded calls and compare the answers with the kernel's.") { paths, release, inProcess, summary, folder, faults };
        replay.SetAction(parsed => Guard(error, () =>
            Replay(
                SetsOf(parsed.GetValue(paths), parsed.GetValue(release)!),
                TargetOf(parsed.GetValue(inProcess), parsed.GetValue(faults), LevelOf(parsed.GetValue(release)!)),
                parsed.GetValue(folder),
                parsed.GetValue(summary),
                output,
                error)));
        var check = new Command("check", "Read every line and print it again, to see that the program understands the traces.") { paths, release };
        check.SetAction(parsed => Guard(error, () => Check(SetsOf(parsed.GetValue(paths), parsed.GetValue(release)!), output)));
        var root = new RootCommand("Recorded answers of a Linux kernel's /dev/iommu as a judge. Exit codes: 0 equal, 1 differing, 2 bad usage.") { replay, check };

        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0 && result.Action is not HelpAction)
        {
            foreach (ParseError complaint in result.Errors)
            {
                error.WriteLine($"kernel-traces: {complaint.Message}");
            }

            error.WriteLine("kernel-traces: '--help' lists what is accepted.");
            return BadUsage;
        }

        return result.Invoke(new InvocationConfiguration { Output = output, Error = error });
    }

    private static ITarget TargetOf(bool inProcess, int? faults, UapiLevel level) => faults is { } seed ? new FaultyTarget(new InProcessTarget(level), seed)
        : inProcess ? new InProcessTarget(level)
        : new SystemCallTarget();

    /// <summary>As which release the engine answers in process.</summary>
    internal static UapiLevel LevelOf(string release) => string.Equals(release, NewRelease, StringComparison.Ordinal) ? UapiLevel.Latest : UapiLevel.Linux612;

    private static int Replay(IReadOnlyList<TraceSet> sets, ITarget replayed, string? folder, bool isSummary, TextWriter output, TextWriter error)
    {
        using ITarget target = replayed;
        var replay = new SetReplay(target, output, folder);
        int missing = 0;
        foreach (TraceSet set in sets.OrderBy(set => set.Recorded != Credentials.Root))
        {
            using HugePagePool? pool = set.Traces.Any(trace => trace.HasHugePages) ? HugePagePool.Open() : null;
            if (pool is not null && !UserMemory.HasHugePages())
            {
                error.WriteLine($"kernel-traces: {set.Name} needs 2 MiB pages, and the machine has none free: echo 8 > /proc/sys/vm/nr_hugepages.");
                missing++;
                continue;
            }

            replay.Run(set);
        }

        if (isSummary)
        {
            replay.All.WriteSummary(output);
        }
        else
        {
            replay.All.Write(output);
        }

        foreach (string held in replay.Held)
        {
            output.WriteLine($"still held after {held}");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{replay.All.Operations} operations, {replay.All.Differing} differing, in {replay.All.DifferingTraces} traces"));
        return replay.All.Differing == 0 && replay.Held.Count == 0 && missing == 0 ? Success : Differs;
    }

    private static int Check(IReadOnlyList<TraceSet> sets, TextWriter output)
    {
        int complaints = 0;
        foreach (TraceSet set in sets)
        {
            foreach (string complaint in SelfCheck.Run(set))
            {
                output.WriteLine(complaint);
                complaints++;
            }

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{set.Name}: {set.Traces.Count} traces, {set.Operations} operations"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sets.Sum(set => set.Operations)} operations, {complaints} traces not understood"));
        return complaints == 0 ? Success : Differs;
    }

    private static TraceSet[] SetsOf(string[]? paths, string release) =>
        [.. (paths is { Length: > 0 } ? paths : [ShippedFolder(release)]).SelectMany(TraceSet.Find)];

    private static int Guard(TextWriter error, Func<int> action)
    {
        try
        {
            return action();
        }
        catch (Exception problem) when (problem is IOException or FormatException or InvalidDataException or UnauthorizedAccessException)
        {
            error.WriteLine($"kernel-traces: {problem.Message}");
            return BadUsage;
        }
    }
}
