namespace FastIova.Cli;

/// <summary>Finds what became slower: compares every figure once, and measures again what looks slower before it says so.</summary>
/// <remarks>
/// <para>Between two builds the suspicious figures are measured in rounds, in which the builds take turns (<see cref="PairedTrial"/>). With one
/// build and one report the build is repeated against the report, with two reports a build at hand shows how well the figures repeat
/// (<see cref="UnpairedSamples"/>). Figures in bytes do not vary and are not repeated. The figures of the machine judge nobody.</para>
/// <para>Figures leave the trial as soon as they are decided, so that equal builds cost little.</para>
/// </remarks>
internal sealed class Comparison
{
    // A figure is suspicious long before it is guilty: a slow-down that one disturbed run hides would not be looked at again.
    private const double Allowance = 0.015;

    // For the same reason builds are measured twice before anything is called unsuspicious.
    private const int Looks = 2;

    private readonly CompareTerms _terms;
    private readonly Action<string> _step;
    private readonly List<string> _remarks = [];

    /// <param name="terms">What counts as a regression.</param>
    /// <param name="step">Receives what is being done now.</param>
    internal Comparison(CompareTerms terms, Action<string> step)
    {
        _terms = terms;
        _step = step;
    }

    /// <summary>Compares.</summary>
    /// <param name="before">The old side.</param>
    /// <param name="after">The new side.</param>
    /// <param name="only">Prefixes of the ids to compare; empty means all that both have.</param>
    /// <param name="gauge">A build that may show how well figures repeat when neither side has one; or null.</param>
    /// <returns>The result.</returns>
    /// <exception cref="BenchFailureException">A build could not be measured.</exception>
    internal ComparisonResult Run(ComparedSide before, ComparedSide after, IReadOnlyList<string> only, IBuild? gauge = null)
    {
        List<(Report Old, Report New)> looks = Look(before, after, only);
        (Report old, Report now) = looks[0];
        RemarkOn(old.Machine, now.Machine);
        double drift = MachineDrift.Between(old, now);
        var olds = old.Figures.ToDictionary(figure => figure.Id, StringComparer.Ordinal);
        var changes = new Dictionary<string, FigureChange>(StringComparer.Ordinal);
        var order = new List<string>();
        var suspects = new List<(Figure Old, Figure New)>();
        foreach (Figure figure in now.Figures.Where(figure => IsCompared(figure.Id, only)))
        {
            order.Add(figure.Id);
            if (!olds.TryGetValue(figure.Id, out Figure? was))
            {
                changes[figure.Id] = new FigureChange(figure.Id, null, figure, new Judgement(Verdict.Alone, 0, 0, 0), "new");
            }
            else if (Settled(was, figure) is { } settled)
            {
                changes[figure.Id] = settled;
            }
            else if (looks.Any(look => IsSuspicious(look, figure.Id)))
            {
                suspects.Add((was, figure));
            }
            else
            {
                changes[figure.Id] = Unsuspicious(was, figure, drift);
            }
        }

        foreach (Figure gone in old.Figures.Where(figure => IsCompared(figure.Id, only) && !order.Contains(figure.Id, StringComparer.Ordinal)))
        {
            order.Add(gone.Id);
            changes[gone.Id] = new FigureChange(gone.Id, gone, null, new Judgement(Verdict.Alone, 0, 0, 0), "gone");
        }

        foreach (FigureChange change in Repeat(before, after, old, now, suspects, gauge))
        {
            changes[change.Id] = change;
        }

        return new ComparisonResult(before with { Report = old }, after with { Report = now }, _terms, [.. order.Select(id => changes[id])], drift, _remarks);
    }

    private static bool IsCompared(string id, IReadOnlyList<string> only) =>
        !MachineDrift.IsOfMachine(id) && (only.Count == 0 || only.Any(prefix => id.StartsWith(prefix, StringComparison.Ordinal)));

    /// <summary>Looks at everything: reports as they are, builds some times, beginning now with one and now with the other.</summary>
    private List<(Report Old, Report New)> Look(ComparedSide before, ComparedSide after, IReadOnlyList<string> only)
    {
        var looks = new List<(Report, Report)>();
        int count = before.Report is not null && after.Report is not null ? 1 : Looks;
        for (int look = 1; look <= count; look++)
        {
            Report? first = look % 2 == 0 ? after.Report ?? MeasureAll(after.Build!, only, look) : null;
            Report old = before.Report ?? MeasureAll(before.Build!, only, look);
            looks.Add((old, first ?? after.Report ?? MeasureAll(after.Build!, only, look)));
        }

        return looks;
    }

    private Report MeasureAll(IBuild build, IReadOnlyList<string> only, int look)
    {
        _step($"measuring {build.Name}, look {look} of {Looks}");
        return build.Measure(WithMachine(only));
    }

    private static IReadOnlyList<string> WithMachine(IReadOnlyList<string> only) => only.Count == 0 ? only : [MachineDrift.Suite, .. only];

    private void RemarkOn(MachineFacts old, MachineFacts now)
    {
        if (!string.Equals(old.CpuModel, now.CpuModel, StringComparison.Ordinal))
        {
            _remarks.Add($"The processors differ ({old.CpuModel}, {now.CpuModel}): only ratios to bounds mean something, and they not much.");
        }

        if (!string.Equals(old.Isa, now.Isa, StringComparison.Ordinal))
        {
            _remarks.Add($"The instruction sets in force differ ({old.Isa}, {now.Isa}): set FASTIOVA_ISA alike for both.");
        }
    }

    /// <summary>Decides what needs no statistics.</summary>
    private FigureChange? Settled(Figure old, Figure now)
    {
        if (string.Equals(now.Unit, Figure.Bytes, StringComparison.Ordinal))
        {
            double change = old.BestNs == now.BestNs ? 0 : old.BestNs == 0 ? double.PositiveInfinity : Math.Log(now.BestNs / old.BestNs);
            Verdict verdict = change > _terms.Limit ? Verdict.Regressed : change < -_terms.Limit ? Verdict.Faster : Verdict.Equal;
            return new FigureChange(now.Id, old, now, new Judgement(verdict, change, 0, 1), "bytes, which do not vary");
        }

        return old.BestNs > 0 && now.BestNs > 0
            ? null
            : new FigureChange(now.Id, old, now, new Judgement(Verdict.Unclear, 0, double.PositiveInfinity, 0), "a time of zero was measured");
    }

    /// <summary>Whether the figure may have become slower, as far as a single look can tell; or seems so much faster that the old side was disturbed and hides what the new one is.</summary>
    private bool IsSuspicious((Report Old, Report New) look, string id)
    {
        if (Of(look.Old, id) is not { } old || Of(look.New, id) is not { } now)
        {
            return true;
        }

        double drift = MachineDrift.Between(look.Old, look.New);
        double time = Math.Log(now.BestNs / old.BestNs) - drift;
        double ratio = now.Ratio is { } after && old.Ratio is { } before ? Math.Log(after / before) : time;
        double spread = Math.Log(old.MedianNs / old.BestNs) + Math.Log(now.MedianNs / now.BestNs);
        double most = Math.Max(Math.Max(time, ratio), -Math.Min(time, ratio));
        return most + Math.Max(Allowance, spread) > _terms.Limit;
    }

    private static Figure? Of(Report report, string id) =>
        report.Figures.FirstOrDefault(figure => string.Equals(figure.Id, id, StringComparison.Ordinal)) is { BestNs: > 0 } figure ? figure : null;

    private FigureChange Unsuspicious(Figure old, Figure now, double drift)
    {
        var samples = new UnpairedSamples(_terms.MaxRegression);
        samples.AddBase(old);
        samples.AddNew(now, drift);
        return new FigureChange(now.Id, old, now, samples.Judge(last: true) with { Verdict = Verdict.Equal }, "not suspicious");
    }

    private List<FigureChange> Repeat(ComparedSide before, ComparedSide after, Report old, Report now, List<(Figure Old, Figure New)> suspects, IBuild? gauge)
    {
        if (suspects.Count == 0)
        {
            return [];
        }

        if (before.Build is { } first && after.Build is { } second)
        {
            return TakeTurns(first, second, suspects);
        }

        bool copied = old.Machine.Date == now.Machine.Date && old.Machine.Date != DateTimeOffset.UnixEpoch;
        if (after.Build is { } build)
        {
            return RepeatNew(build, old, suspects);
        }

        return CompareReports(old, now, suspects, copied, copied ? null : before.Build ?? gauge);
    }

    /// <summary>Two builds, round after round; each round begins with the one that ended the last.</summary>
    private List<FigureChange> TakeTurns(IBuild first, IBuild second, List<(Figure Old, Figure New)> suspects)
    {
        var trials = suspects.ToDictionary(suspect => suspect.New.Id, _ => new PairedTrial(_terms.MaxRegression), StringComparer.Ordinal);
        var open = suspects.Select(suspect => suspect.New.Id).ToList();
        var judged = new Dictionary<string, Judgement>(StringComparer.Ordinal);
        for (int round = 1; round <= _terms.Rounds && open.Count > 0; round++)
        {
            _step(Progress(round, open));
            (Report before, Report after) = round % 2 == 1 ? Both(first, second, open) : Swap(Both(second, first, open));
            double drift = MachineDrift.Between(before, after);
            foreach (string id in open.ToArray())
            {
                Figure old = Find(before, id, first);
                Figure now = Find(after, id, second);
                trials[id].Add(Math.Log(now.BestNs / old.BestNs), now.BoundNs is { } bound && old.BoundNs is { } was ? Math.Log(bound / was) : drift);
                judged[id] = trials[id].Judge(last: round == _terms.Rounds);
                if (judged[id].Verdict is not null)
                {
                    open.Remove(id);
                }
            }
        }

        return [.. suspects.Select(suspect => new FigureChange(
            suspect.New.Id, suspect.Old, suspect.New, judged[suspect.New.Id], $"{trials[suspect.New.Id].Rounds} rounds in turns"))];
    }

    /// <summary>A build against a report that cannot be measured again.</summary>
    private List<FigureChange> RepeatNew(IBuild build, Report old, List<(Figure Old, Figure New)> suspects)
    {
        var samples = new Dictionary<string, UnpairedSamples>(StringComparer.Ordinal);
        foreach ((Figure was, Figure now) in suspects)
        {
            samples[now.Id] = new UnpairedSamples(_terms.MaxRegression);
            samples[now.Id].AddBase(was);
        }

        var open = suspects.Select(suspect => suspect.New.Id).ToList();
        var judged = new Dictionary<string, Judgement>(StringComparer.Ordinal);
        for (int round = 1; round <= _terms.Rounds && open.Count > 0; round++)
        {
            _step(Progress(round, open));
            Report now = build.Measure(WithMachine(open));
            double drift = MachineDrift.Between(old, now);
            foreach (string id in open.ToArray())
            {
                samples[id].AddNew(Find(now, id, build), drift);
                judged[id] = samples[id].Judge(last: round == _terms.Rounds);
                if (round < CompareTerms.RoundsLeast && judged[id].Verdict is not Verdict.Equal)
                {
                    judged[id] = judged[id] with { Verdict = null };
                }

                if (round >= 3 && judged[id].Verdict is not null)
                {
                    open.Remove(id);
                }
            }
        }

        return [.. suspects.Select(suspect => new FigureChange(
            suspect.New.Id, suspect.Old, suspect.New, judged[suspect.New.Id], $"{judged[suspect.New.Id].Rounds} runs against the report"))];
    }

    /// <summary>Two reports: they say what they say, and a build at hand only shows how far the figures move by themselves.</summary>
    private List<FigureChange> CompareReports(Report old, Report now, List<(Figure Old, Figure New)> suspects, bool copied, IBuild? gauge)
    {
        double drift = MachineDrift.Between(old, now);
        var samples = new Dictionary<string, UnpairedSamples>(StringComparer.Ordinal);
        foreach ((Figure was, Figure figure) in suspects)
        {
            var sample = new UnpairedSamples(_terms.MaxRegression) { SameMeasurement = copied };
            sample.AddBase(was);
            sample.AddNew(figure, drift);
            samples[figure.Id] = sample;
        }

        string[] noisy = [.. suspects.Where(suspect => suspect.Old.Runs.Count < UnpairedSamples.Several && suspect.New.Runs.Count < UnpairedSamples.Several && samples[suspect.New.Id].Judge(last: true).Verdict is Verdict.Regressed or Verdict.Unclear)
            .Select(suspect => suspect.New.Id)];
        for (int round = 1; gauge is not null && noisy.Length > 0 && round <= CompareTerms.RoundsLeast; round++)
        {
            _step($"how well {noisy.Length} figures repeat: run {round} of {CompareTerms.RoundsLeast} of {gauge.Name}");
            Report seen = gauge.Measure(WithMachine(noisy));
            foreach (Figure figure in seen.Figures.Where(figure => noisy.Contains(figure.Id, StringComparer.Ordinal)))
            {
                samples[figure.Id].AddGauge(figure, MachineDrift.Between(old, seen));
            }
        }

        if (noisy.Length > 0 && !copied)
        {
            _remarks.Add("Two reports cannot be measured again. To have what looks slower repeated, name builds: 'fastiova bench compare BASE-BUILD NEW-BUILD', or --base-build and --new-build beside the reports.");
        }

        return [.. suspects.Select(suspect => new FigureChange(
            suspect.New.Id,
            suspect.Old,
            suspect.New,
            samples[suspect.New.Id].Judge(last: true),
            copied ? "the same run" : noisy.Contains(suspect.New.Id, StringComparer.Ordinal) && gauge is not null ? $"reports; noise from {CompareTerms.RoundsLeast} runs here" : "reports"))];
    }

    private static (Report First, Report Second) Both(IBuild first, IBuild second, List<string> ids)
    {
        IReadOnlyList<string> only = WithMachine(ids);
        return (first.Measure(only), second.Measure(only));
    }

    private static (Report Before, Report After) Swap((Report First, Report Second) pair) => (pair.Second, pair.First);

    private static Figure Find(Report report, string id, IBuild build) =>
        Of(report, id)
            ?? throw new BenchFailureException($"{build.Name} did not measure '{id}' again: run 'fastiova bench --only {id}' with it to see why.");

    private string Progress(int round, List<string> open) =>
        $"round {round} of at most {_terms.Rounds}: {(open.Count <= 3 ? string.Join(", ", open) : $"{open.Count} figures")}";
}
