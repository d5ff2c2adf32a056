using System.Globalization;

namespace FastIova.Cli;

/// <summary>Recorded DMA traffic of real drivers, end to end: the engine against common ways to translate, in the same run.</summary>
internal sealed class ReplaySuite : ISuite
{
    // At least five times as fast as the fastest comparator.
    private const double Target = 0.2;

    // Comparators that are so much slower than the fastest are measured less often.
    private const double Hopeless = 3;
    private const int HopelessReps = 2;

    private static readonly string[] QuickTraces = ["ext4_tree_strict", "nvme_randread4k_strict"];

    public string Name => "replay";

    public void Run(BenchRun run)
    {
        foreach (string file in Files(run))
        {
            string id = $"{Name}/{DmaTrace.ShortName(file)}";
            bool inline = run.Wants(id);
            bool pipelined = run.Wants($"{id}/pipelined");
            if (inline || pipelined)
            {
                run.Step($"replay of {DmaTrace.ShortName(file)}");
                using var program = new ReplayProgram(Load(file));
                Replay(run, id, program, inline, pipelined);
            }
        }
    }

    /// <summary>Measures one trace.</summary>
    internal static void Replay(BenchRun run, string id, ReplayProgram program, bool inline, bool pipelined)
    {
        using var engine = new EngineReplay(program);
        using var twoLevel = new ComparatorReplay<TwoLevelTarget, Locked>(program);
        using var dictionary = new ComparatorReplay<DictionaryTarget, Locked>(program);
        using var tree = new ComparatorReplay<IntervalTreeTarget, Locked>(program);
        using var sorted = new ComparatorReplay<SortedArrayTarget, Locked>(program);
        IComparatorReplay[] comparators = [twoLevel, dictionary, tree, sorted];

        // A first lap, which also shows who has a chance.
        double[] first = Array.ConvertAll(comparators, comparator => LapOf(id, program, comparator).Lap());
        int[] able = [.. Enumerable.Range(0, comparators.Length).Where(i => first[i] <= Hopeless * first.Min())];
        int[] slow = [.. Enumerable.Range(0, comparators.Length).Except(able)];
        var ours = new Contender(id, program.Records, engine.Run) { Prepare = engine.Clear, Expected = 0 };
        int reps = inline ? run.Reps : 1;
        Timing[] timings = Measure.Interleaved(reps, [ours, .. able.Select(i => LapOf(id, program, comparators[i]))]);
        Timing[] slowTimings = slow.Length == 0 ? [] : Measure.Interleaved(Math.Min(reps, HopelessReps), [.. slow.Select(i => LapOf(id, program, comparators[i]))]);
        Timing fastest = Timing.Fastest(timings.AsSpan(1));
        IComparatorReplay winner = comparators[able[Array.IndexOf(timings, fastest, 1) - 1]];
        if (inline)
        {
            using IComparatorReplay unlocked = Unlocked(program, winner);
            Timing free = Measure.Interleaved(Math.Min(reps, 3), LapOf(id, program, unlocked))[0];
            var names = able.Select((comparator, i) => (comparators[comparator].Name, timings[i + 1].BestNs))
                .Concat(slow.Select((comparator, i) => (comparators[comparator].Name, slowTimings[i].BestNs)))
                .OrderBy(pair => pair.BestNs);
            string note = string.Create(
                CultureInfo.InvariantCulture,
                $"per record; {1e3 / timings[0].BestNs:0} M records/s; {ByKind(program, engine)}; bound: {winner.Name} under a lock; all: {string.Join(", ", names.Select(Spell))}; {winner.Name} without any lock: {free.BestNs:0.0}; reading the records alone takes 0.5 to 1.0 ns of it here, so a fifth of the fastest peer leaves no room for loads, stores and checks; tried: a batch for each direction and single look-ups (kept: one batch of mixed directions, 7.7 to 4.0 ns a translation of e1000e_net_strict), a cache that one look-up in eight may miss (kept: one in 32), one call for each map (kept: a list)");
            run.Add(Figure.From(id, timings[0], fastest, Target, TargetUnit.Ratio, note));
        }

        if (pipelined)
        {
            var plan = new PipelinePlan(program);
            using var pipeline = new EnginePipeline(plan);
            var rival = new ComparatorPipeline(plan, winner);
            Timing[] both = Measure.Interleaved(run.Reps, pipeline.Lap, rival.Lap);
            string note = string.Create(
                CultureInfo.InvariantCulture,
                $"per record; {1e3 / both[0].BestNs:0} M records/s; a driver thread and a device thread, {plan.FlushBefore.Count(flush => flush)} grace periods for {program.Count(ReplayKind.Unmap)} unmaps; bound: {winner.Name} under a lock that both threads take");
            run.Add(Figure.From($"{id}/pipelined", both[0], both[1], note: note));
        }
    }

    private static string Spell((string Name, double Ns) pair) => string.Create(CultureInfo.InvariantCulture, $"{pair.Name} {pair.Ns:0.0}");

    private static Contender LapOf(string id, ReplayProgram program, IComparatorReplay comparator) =>
        new($"{id}, {comparator.Name}", program.Records, comparator.Run) { Prepare = comparator.Clear, Expected = 0 };

    private static IComparatorReplay Unlocked(ReplayProgram program, IComparatorReplay locked) => locked switch
    {
        ComparatorReplay<TwoLevelTarget, Locked> => new ComparatorReplay<TwoLevelTarget, Unlocked>(program),
        ComparatorReplay<DictionaryTarget, Locked> => new ComparatorReplay<DictionaryTarget, Unlocked>(program),
        ComparatorReplay<IntervalTreeTarget, Locked> => new ComparatorReplay<IntervalTreeTarget, Unlocked>(program),
        _ => new ComparatorReplay<SortedArrayTarget, Unlocked>(program),
    };

    /// <summary>The time of each kind of record, from passes of their own with a clock that looks at every step.</summary>
    private static string ByKind(ReplayProgram program, EngineReplay engine)
    {
        ReplayKind[] kinds = [ReplayKind.Map, ReplayKind.Unmap, ReplayKind.Translate];
        double[] best = [double.MaxValue, double.MaxValue, double.MaxValue];
        for (int pass = 0; pass < 3; pass++)
        {
            engine.Clear();
            var clock = new KindClock();
            _ = engine.Run(ref clock);
            for (int i = 0; i < kinds.Length; i++)
            {
                best[i] = Math.Min(best[i], clock.Nanoseconds(kinds[i]) / Math.Max(1, program.Count(kinds[i])));
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"map {best[0]:0.0}, unmap {best[1]:0.0}, translate {best[2]:0.0} ns each");
    }

    private static IEnumerable<string> Files(BenchRun run)
    {
        if (run.Traces.Count > 0)
        {
            return run.Traces;
        }

        IReadOnlyList<string> files = ShippedTraces.Find();
        if (files.Count == 0)
        {
            throw new BenchFailureException($"There is no trace in {ShippedTraces.Folder}: build from a clone that has data/dma-traces, or name traces with --trace.");
        }

        return run.Quick ? files.Where(file => QuickTraces.Contains(DmaTrace.ShortName(file), StringComparer.Ordinal)) : files;
    }

    private static DmaTrace Load(string file)
    {
        try
        {
            return DmaTrace.Load(file);
        }
        catch (Exception e) when (e is TraceFormatException or DllNotFoundException)
        {
            throw new BenchFailureException(e.Message, e);
        }
    }
}
