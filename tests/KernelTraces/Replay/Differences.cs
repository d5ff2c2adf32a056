using System.Globalization;

namespace FastIova.KernelTraces;

/// <summary>Where answers differ from the recorded ones: counted for each field of each operation and each pair of values, with the first example.</summary>
/// <remarks>Threads: one.</remarks>
internal sealed class Differences
{
    private const int PairsShown = 6;
    private const int ValueLength = 40;
    private const string Nothing = "nothing";
    private const string Error = "errno";

    private readonly Dictionary<(string Op, string Field), Group> _groups = [];
    private string _lastTrace = string.Empty;

    /// <summary>Operations compared.</summary>
    internal int Operations { get; private set; }

    /// <summary>Operations of which some field differs.</summary>
    internal int Differing { get; private set; }

    /// <summary>Traces with a difference.</summary>
    internal int DifferingTraces { get; private set; }

    /// <summary>Compares one answer.</summary>
    /// <returns>True when it is the recorded one.</returns>
    internal bool Add(string trace, TraceLine line, TraceAnswer answer)
    {
        Operations++;
        string text = answer.ToString();
        if (string.Equals(text, line.Expected, StringComparison.Ordinal))
        {
            return true;
        }

        Differing++;
        bool isFirst = !string.Equals(trace, _lastTrace, StringComparison.Ordinal);
        DifferingTraces += isFirst ? 1 : 0;
        _lastTrace = trace;
        Dictionary<string, string> recorded = FieldsOf(line.Expected);
        Dictionary<string, string> replayed = FieldsOf(text);
        var example = new Example(trace, line.Index, line.PrintInputs(), line.Expected, text);
        bool isFieldFound = false;

        // A call that fails otherwise answers otherwise in all its fields.
        bool failsOtherwise = !string.Equals(recorded.GetValueOrDefault(Error), replayed.GetValueOrDefault(Error), StringComparison.Ordinal);
        foreach (string field in failsOtherwise ? [Error] : recorded.Keys.Union(replayed.Keys, StringComparer.Ordinal))
        {
            string before = recorded.GetValueOrDefault(field, Nothing);
            string now = replayed.GetValueOrDefault(field, Nothing);
            if (!string.Equals(before, now, StringComparison.Ordinal))
            {
                isFieldFound = true;
                Count(line.Op.Name, field, before, now, isFirst, example);
            }
        }

        if (!isFieldFound)
        {
            Count(line.Op.Name, "order", Nothing, Nothing, isFirst, example);
        }

        return false;
    }

    /// <summary>Adds those of another set.</summary>
    internal void Add(Differences other)
    {
        Operations += other.Operations;
        Differing += other.Differing;
        DifferingTraces += other.DifferingTraces;
        foreach (((string Op, string Field) key, Group theirs) in other._groups)
        {
            Group group = GroupOf(key.Op, key.Field, theirs.Example);
            foreach (((string Before, string Now) pair, Tally tally) in theirs.Pairs)
            {
                group.Add(pair, tally.Times, tally.Firsts, tally.Example);
            }
        }
    }

    /// <summary>Writes one paragraph for each field, the most frequent first.</summary>
    internal void Write(TextWriter output)
    {
        foreach (((string op, string field), Group group) in _groups.OrderByDescending(pair => pair.Value.Times).ThenBy(pair => pair.Key))
        {
            output.WriteLine($"{op} {field}: {group.Times} times, first in {group.Example.Trace} at {group.Example.Index}");
            Write(output, group.Example);
        }
    }

    /// <summary>Writes what to look at first: the pairs of values of each field, those where traces begin to differ before the others, each with an example.</summary>
    internal void WriteSummary(TextWriter output)
    {
        foreach (((string op, string field), Group group) in _groups
            .OrderByDescending(pair => pair.Value.Firsts).ThenByDescending(pair => pair.Value.Times).ThenBy(pair => pair.Key))
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{op} {field}: {group.Times} times, the first difference of {group.Firsts} traces"));
            foreach (((string before, string now), Tally tally) in group.Pairs.OrderByDescending(pair => pair.Value.Firsts).ThenByDescending(pair => pair.Value.Times).Take(PairsShown))
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {Shortened(before)} -> {Shortened(now)}: {tally.Times} times, {tally.Firsts} first; {tally.Example.Trace} at {tally.Example.Index}"));
                Write(output, tally.Example);
            }

            if (group.Pairs.Count > PairsShown)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  and {group.Pairs.Count - PairsShown} other pairs of values"));
            }
        }
    }

    private static string Shortened(string value) => value.Length <= ValueLength ? value : value[..ValueLength] + "…";

    private static void Write(TextWriter output, Example example)
    {
        output.WriteLine($"    {example.Inputs}");
        output.WriteLine($"    recorded  {example.Recorded}");
        output.WriteLine($"    replayed  {example.Replayed}");
    }

    private void Count(string op, string field, string before, string now, bool isFirst, Example example) =>
        GroupOf(op, field, example).Add((before, now), 1, isFirst ? 1 : 0, example);

    private Group GroupOf(string op, string field, Example example)
    {
        if (!_groups.TryGetValue((op, field), out Group? group))
        {
            group = new Group(example);
            _groups.Add((op, field), group);
        }

        return group;
    }

    private static Dictionary<string, string> FieldsOf(string answer)
    {
        Dictionary<string, string> fields = new(StringComparer.Ordinal);
        foreach (string word in answer.Split(' '))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            fields[equals < 0 ? word : word[..equals]] = equals < 0 ? string.Empty : word[(equals + 1)..];
        }

        return fields;
    }

    /// <summary>One field of one operation.</summary>
    private sealed class Group(Example example)
    {
        internal Example Example { get; } = example;

        internal Dictionary<(string Before, string Now), Tally> Pairs { get; } = [];

        internal int Times { get; private set; }

        /// <summary>How often it was the first difference of its trace.</summary>
        internal int Firsts { get; private set; }

        internal void Add((string Before, string Now) pair, int times, int firsts, Example example)
        {
            Times += times;
            Firsts += firsts;
            Tally sofar = Pairs.GetValueOrDefault(pair) ?? new Tally(0, 0, example);

            // Where a trace begins to differ is the better example: what follows may only follow from it.
            Pairs[pair] = new Tally(sofar.Times + times, sofar.Firsts + firsts, sofar.Firsts == 0 && firsts > 0 ? example : sofar.Example);
        }
    }

    private sealed record Tally(int Times, int Firsts, Example Example);

    private sealed record Example(string Trace, int Index, string Inputs, string Recorded, string Replayed);
}
