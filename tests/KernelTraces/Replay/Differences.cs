namespace FastIova.KernelTraces;

/// <summary>Where answers differ from the recorded ones: counted for each field of each operation, with the first example.</summary>
/// <remarks>Threads: one.</remarks>
internal sealed class Differences
{
    private readonly Dictionary<(string Op, string Field), Found> _found = [];

    /// <summary>Operations compared.</summary>
    internal int Operations { get; private set; }

    /// <summary>Operations of which some field differs.</summary>
    internal int Differing { get; private set; }

    /// <summary>Compares one answer.</summary>
    /// <returns>True when it is the recorded one.</returns>
    internal bool Add(string trace, TraceLine line, TraceAnswer answer)
    {
        Operations++;
        string text = answer.ToString();
        if (string.Equals(text, line.Answer, StringComparison.Ordinal))
        {
            return true;
        }

        Differing++;
        Dictionary<string, string> recorded = FieldsOf(line.Answer);
        Dictionary<string, string> replayed = FieldsOf(text);
        bool isFieldFound = false;
        foreach (string field in recorded.Keys.Union(replayed.Keys, StringComparer.Ordinal))
        {
            if (!string.Equals(recorded.GetValueOrDefault(field), replayed.GetValueOrDefault(field), StringComparison.Ordinal))
            {
                isFieldFound = true;
                Count(line.Op.Name, field, trace, line, text);
            }
        }

        if (!isFieldFound)
        {
            Count(line.Op.Name, "order", trace, line, text);
        }

        return false;
    }

    /// <summary>Adds those of another set.</summary>
    internal void Add(Differences other)
    {
        Operations += other.Operations;
        Differing += other.Differing;
        foreach ((var key, Found found) in other._found)
        {
            if (!_found.TryAdd(key, found))
            {
                _found[key] = _found[key] with { Times = _found[key].Times + found.Times };
            }
        }
    }

    /// <summary>Writes one paragraph for each field, the most frequent first.</summary>
    internal void Write(TextWriter output)
    {
        foreach (((string op, string field), Found found) in _found.OrderByDescending(pair => pair.Value.Times).ThenBy(pair => pair.Key))
        {
            output.WriteLine($"{op} {field}: {found.Times} times, first in {found.Trace} at {found.Index}");
            output.WriteLine($"    {found.Inputs}");
            output.WriteLine($"    recorded  {found.Recorded}");
            output.WriteLine($"    replayed  {found.Replayed}");
        }
    }

    private void Count(string op, string field, string trace, TraceLine line, string text)
    {
        _found[(op, field)] = _found.TryGetValue((op, field), out Found? found)
            ? found with { Times = found.Times + 1 }
            : new Found(1, trace, line.Index, line.PrintInputs(), line.Answer, text);
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

    private sealed record Found(int Times, string Trace, int Index, string Inputs, string Recorded, string Replayed);
}
