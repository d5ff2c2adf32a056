using System.Diagnostics;
using System.Globalization;

namespace FastIova.KernelTraces;

/// <summary>Replays the traces of sets one after the other and sums up.</summary>
internal sealed class SetReplay
{
    private readonly ITarget _target;
    private readonly TextWriter _progress;
    private readonly string? _outputFolder;

    /// <param name="target">Who answers.</param>
    /// <param name="progress">Gets one line for each set.</param>
    /// <param name="outputFolder">Where the answers are written in the form of the traces, in one folder for each set; null for nowhere.</param>
    internal SetReplay(ITarget target, TextWriter progress, string? outputFolder)
    {
        _target = target;
        _progress = progress;
        _outputFolder = outputFolder;
    }

    /// <summary>What differed, over all sets so far.</summary>
    internal Differences All { get; } = new();

    /// <summary>What the engine still held after traces, one line each.</summary>
    internal List<string> Held { get; } = [];

    /// <summary>Replays one set.</summary>
    internal Differences Run(TraceSet set)
    {
        var watch = Stopwatch.StartNew();
        var differences = new Differences();
        using var memory = new UserMemory();
        foreach (Trace trace in set.Traces)
        {
            using StreamWriter? output = CreateOutput(set, trace);
            TraceReplay.Run(trace, set.Recorded, _target, memory, (line, answer) =>
            {
                differences.Add($"{set.Name}/{trace.Name}", line, answer);
                output?.Write($"{line.PrintInputs()}{answer}\n");
            });
            if (_target.HeldAtEnd() is { } held)
            {
                Held.Add($"{set.Name}/{trace.Name}: {held}");
            }
        }

        All.Add(differences);
        _progress.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{set.Name}: {set.Traces.Count} traces, {differences.Operations} operations, {differences.Differing} differing, {watch.Elapsed.TotalSeconds:f1} s"));
        return differences;
    }

    private StreamWriter? CreateOutput(TraceSet set, Trace trace)
    {
        if (_outputFolder is null)
        {
            return null;
        }

        string folder = Path.Combine(_outputFolder, set.Name);
        Directory.CreateDirectory(folder);
        var writer = new StreamWriter(Path.Combine(folder, trace.Name));
        if (trace.Text.Count > 0 && Trace.IsRemark(trace.Text[0]))
        {
            writer.Write(trace.Text[0] + "\n");
        }

        return writer;
    }
}
