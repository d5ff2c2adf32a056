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

    /// <summary>The recorded sets, as the build lays them beside the program.</summary>
    internal static string ShippedFolder => Path.Combine(AppContext.BaseDirectory, "kernel-traces", "6.12");

    internal static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Archives (.tar.xz), traces (.txt), or folders of them. Default: the recorded sets of Linux 6.12.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var inProcess = new Option<bool>("--in-process") { Description = "Call the engine directly. Default: system calls, which 'fastiova run' answers." };
        var folder = new Option<string?>("--out") { Description = "Write the answers here, in the form of the traces.", HelpName = "DIR" };
        var faults = new Option<int?>("--faults")
        {
            Description = "Let random steps fail, in process: answers differ, but nothing may be held at the end.",
            HelpName = "SEED",
        };
        var replay = new Command("replay", "Make the recorded calls and compare the answers with the kernel's.") { paths, inProcess, folder, faults };
        replay.SetAction(parsed => Guard(error, () =>
            Replay(SetsOf(parsed.GetValue(paths)), TargetOf(parsed.GetValue(inProcess), parsed.GetValue(faults)), parsed.GetValue(folder), output, error)));
        var check = new Command("check", "Read every line and print it again, to see that the program understands the traces.") { paths };
        check.SetAction(parsed => Guard(error, () => Check(SetsOf(parsed.GetValue(paths)), output)));
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

    private static ITarget TargetOf(bool inProcess, int? faults) => faults is { } seed ? new FaultyTarget(new InProcessTarget(), seed)
        : inProcess ? new InProcessTarget()
        : new SystemCallTarget();

    private static int Replay(IReadOnlyList<TraceSet> sets, ITarget replayed, string? folder, TextWriter output, TextWriter error)
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

        replay.All.Write(output);
        foreach (string held in replay.Held)
        {
            output.WriteLine($"still held after {held}");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{replay.All.Operations} operations, {replay.All.Differing} differing"));
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

    private static TraceSet[] SetsOf(string[]? paths) => [.. (paths is { Length: > 0 } ? paths : [ShippedFolder]).SelectMany(TraceSet.Find)];

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
