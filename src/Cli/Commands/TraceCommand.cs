using System.CommandLine;
using System.CommandLine.Parsing;

namespace FastIova.Cli;

/// <summary><c>fastiova trace</c>: looks at recorded DMA traces, and replays them.</summary>
internal static class TraceCommand
{
    internal static Command Create() => new("trace", "Record DMA traffic, look at it, and replay it.") { CreateInfo(), CreateReplay(), RunCommand.CreateRecord() };

    private static Command CreateInfo()
    {
        Argument<string[]> files = Files();
        var json = new Option<bool>("--json") { Description = "For programs: one JSON object on the standard output, and nothing else." };
        var workload = new Option<bool>("--workload") { Description = "Only what lies between mark 1 and the last mark: without boot, probe and shutdown." };
        var command = new Command("info", "Say what is in a trace: records, sizes, how long mappings live, how often they are used.") { files, json, workload };
        command.SetAction(parsed => TraceInfo.Run(
            Chosen(parsed.GetValue(files)!),
            parsed.GetValue(json),
            parsed.GetValue(workload),
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error));
        return command;
    }

    private static Command CreateReplay()
    {
        Argument<string[]> files = Files();
        Option<int?> reps = BenchCommand.Reps();
        Option<string?> output = BenchCommand.Out();
        Option<string?> json = BenchCommand.Json();
        var command = new Command(
            "replay",
            "Replay traces through the engine and through common ways to translate, check every answer and report the time, as 'bench --trace' does. Exit code 1 when an answer is wrong.")
        {
            files, reps, output, json,
        };
        command.SetAction(parsed => BenchSession.Run(
            new BenchOptions(Quick: false, parsed.GetValue(reps), [], Chosen(parsed.GetValue(files)!), parsed.GetValue(output))
            {
                Json = BenchCommand.JsonOf(parsed, json),
            },
            [new ReplaySuite()],
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error));
        return command;
    }

    private static Argument<string[]> Files()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "Recorded traces, plain, gzip or xz, or names of the traces that come with the program. Default: all of those.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        files.Validators.Add(BenchCommand.TakesNoOptions);
        files.Validators.Add(Exist);
        return files;
    }

    private static void Exist(ArgumentResult argument)
    {
        foreach (Token token in argument.Tokens)
        {
            if (!token.Value.StartsWith('-') && PathOf(token.Value) is null)
            {
                argument.AddError($"'{token.Value}' is neither a file nor a trace that comes with the program ({string.Join(", ", ShippedTraces.Find().Select(DmaTrace.ShortName))}): give the path of a recorded trace.");
            }
        }
    }

    private static IReadOnlyList<string> Chosen(string[] names) => names.Length == 0 ? ShippedTraces.Find() : [.. names.Select(name => PathOf(name)!)];

    private static string? PathOf(string name) =>
        File.Exists(name) ? name : ShippedTraces.Find().FirstOrDefault(file => string.Equals(DmaTrace.ShortName(file), name, StringComparison.Ordinal));
}
