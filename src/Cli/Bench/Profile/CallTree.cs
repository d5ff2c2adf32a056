namespace FastIova.Cli;

/// <summary>Samples of a program, gathered by who called whom.</summary>
/// <param name="name">What was running.</param>
internal sealed class CallTree(string name)
{
    private readonly Dictionary<string, CallTree> _callees = new(StringComparer.Ordinal);

    internal string Name { get; } = name;

    /// <summary>The samples in which this was running or waiting for what it called.</summary>
    internal long Samples { get; private set; }

    /// <summary>The samples in which this itself was running.</summary>
    internal long Own { get; private set; }

    /// <summary>What it called, in the order of the names, so that equal parts of two graphs lie alike.</summary>
    internal IEnumerable<CallTree> Callees => _callees.Values.OrderBy(callee => callee.Name, StringComparer.Ordinal);

    /// <summary>Adds a sample.</summary>
    /// <param name="stack">From the outermost caller to what was running.</param>
    internal void Add(ReadOnlySpan<string> stack)
    {
        CallTree at = this;
        at.Samples++;
        foreach (string frame in stack)
        {
            if (!at._callees.TryGetValue(frame, out CallTree? callee))
            {
                callee = new CallTree(frame);
                at._callees.Add(frame, callee);
            }

            at = callee;
            at.Samples++;
        }

        at.Own++;
    }

    /// <summary>Sums up by name what was running.</summary>
    /// <returns>Names with their own samples and those of all they called, the largest first.</returns>
    internal IReadOnlyList<(string Name, long Own, long Samples)> Top()
    {
        var sums = new Dictionary<string, (long Own, long Samples)>(StringComparer.Ordinal);
        Gather(this, sums, new HashSet<string>(StringComparer.Ordinal));
        sums.Remove(Name);
        return [.. sums.Select(sum => (sum.Key, sum.Value.Own, sum.Value.Samples)).OrderByDescending(sum => sum.Own).ThenBy(sum => sum.Key, StringComparer.Ordinal)];
    }

    // Within a recursion the samples of the outermost call are those of all.
    private static void Gather(CallTree at, Dictionary<string, (long Own, long Samples)> sums, HashSet<string> above)
    {
        bool outermost = above.Add(at.Name);
        (long own, long samples) = sums.GetValueOrDefault(at.Name);
        sums[at.Name] = (own + at.Own, samples + (outermost ? at.Samples : 0));
        foreach (CallTree callee in at._callees.Values)
        {
            Gather(callee, sums, above);
        }

        if (outermost)
        {
            above.Remove(at.Name);
        }
    }
}
