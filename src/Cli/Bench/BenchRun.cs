namespace FastIova.Cli;

/// <summary>One run of the benchmarks: what was asked for, and the figures so far.</summary>
/// <remarks>Threads: one. A suite that measures with several threads adds its figures from the thread that runs it.</remarks>
internal sealed class BenchRun
{
    /// <summary>The counted repetitions of a full run.</summary>
    internal const int FullReps = 9;

    /// <summary>The counted repetitions of a quick run.</summary>
    internal const int QuickReps = 3;

    private readonly BenchOptions _options;
    private readonly Action<string> _report;
    private readonly List<Figure> _figures = [];
    private readonly bool[] _matched;

    /// <summary>Starts a run.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="report">Receives what is being done now.</param>
    internal BenchRun(BenchOptions options, Action<string> report)
    {
        _options = options;
        _report = report;
        _matched = new bool[options.Only.Count];
    }

    /// <summary>Whether to measure smaller sets.</summary>
    internal bool Quick => _options.Quick;

    /// <summary>The counted repetitions of each measurement.</summary>
    internal int Reps => _options.Reps ?? (_options.Quick ? QuickReps : FullReps);

    /// <summary>The recorded traces to replay; empty means the default ones.</summary>
    internal IReadOnlyList<string> Traces => _options.Traces;

    /// <summary>The figures so far, in the order in which they were added.</summary>
    internal IReadOnlyList<Figure> Figures => _figures;

    /// <summary>The prefixes of <c>--only</c> under which no id was found.</summary>
    internal IEnumerable<string> UnmatchedPrefixes => _options.Only.Where((_, index) => !_matched[index]);

    /// <summary>Whether the figure with this id was asked for.</summary>
    /// <param name="id">The whole id.</param>
    /// <returns>True when it was.</returns>
    internal bool Wants(string id)
    {
        bool wanted = _options.Only.Count == 0;
        for (int i = 0; i < _options.Only.Count; i++)
        {
            if (id.StartsWith(_options.Only[i], StringComparison.Ordinal))
            {
                _matched[i] = true;
                wanted = true;
            }
        }

        return wanted;
    }

    /// <summary>Whether any figure under this prefix may have been asked for: lets a suite leave out a costly set-up.</summary>
    /// <param name="prefix">What the ids of a group have in common.</param>
    /// <returns>False when none of them was asked for.</returns>
    internal bool WantsAny(string prefix) =>
        _options.Only.Count == 0
        || _options.Only.Any(only => only.StartsWith(prefix, StringComparison.Ordinal) || prefix.StartsWith(only, StringComparison.Ordinal));

    /// <summary>Says what is being done now. Not for timed regions.</summary>
    /// <param name="text">A short line.</param>
    internal void Step(string text) => _report(text);

    /// <summary>Adds a figure to the report.</summary>
    /// <param name="figure">The figure.</param>
    /// <exception cref="BenchFailureException">The figure is no measurement, or its id is taken.</exception>
    internal void Add(Figure figure)
    {
        if (figure.Defect() is { } defect)
        {
            throw new BenchFailureException($"{figure.Id}: {defect}");
        }

        if (_figures.Any(other => string.Equals(other.Id, figure.Id, StringComparison.Ordinal)))
        {
            throw new BenchFailureException($"{figure.Id}: the id is taken by an earlier figure: ids are unique in a report, add a part that tells them apart.");
        }

        _figures.Add(figure);
    }
}
