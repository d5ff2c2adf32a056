using System.Globalization;

namespace FastIova.Litmus;

/// <summary>The controls, then the race of the engine itself, and the verdict.</summary>
/// <param name="time">How long the engine is raced.</param>
/// <param name="seed">Of all random choices.</param>
/// <param name="output">Where the verdict goes.</param>
/// <param name="progress">Where progress goes.</param>
internal sealed class Proof(TimeSpan time, int seed, TextWriter output, TextWriter progress)
{
    private const int Tries = 3;

    // A control ends when it is caught, within a second where the parties of the race run at the same time. The rest is for machines on which they seldom do.
    private static readonly TimeSpan ControlTime = TimeSpan.FromSeconds(40);

    private static readonly (Flaw Flaw, Cast Cast)[] Controls =
    [
        (Flaw.SkipWait, Cast.Fenced),
        (Flaw.SkipInvalidate, Cast.Fenced),
        (Flaw.SkipClear, Cast.Fenced),
        (Flaw.SkipProtectFlush, Cast.Duel),
        (Flaw.SkipFence, Cast.Duel),
    ];

    private int _passed;
    private int _failed;

    internal int Run()
    {
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Use after unmap: seed {seed}, {time.TotalSeconds:F0} s, {Environment.ProcessorCount} processors, vectors {IsaChoice.Name(IsaChoice.Current)}"));
        output.WriteLine();
        bool caught = RunControls();
        bool proved = RunEngine();
        output.WriteLine();
        if (proved && !caught)
        {
            output.WriteLine("INCONCLUSIVE: a broken unmap was not caught, so the clean race proves nothing. Run it again, longer, on a machine with less to do.");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_passed} passed, {_failed} failed"));
        return !proved ? ExitCode.Refuted : caught ? ExitCode.Proved : ExitCode.Inconclusive;
    }

    private bool RunControls()
    {
        output.WriteLine("control             verdict      after     tries  evidence");
        bool all = true;
        foreach ((Flaw flaw, Cast cast) in Controls)
        {
            Trial trial;
            int tries = 0;
            TimeSpan took = default;
            do
            {
                progress.WriteLine($"litmus: control {flaw}, try {tries + 1} of {Tries}");
                trial = Trial.Run(new RaceTerms(flaw, cast, ControlTime, seed + (1000 * tries)), progress);
                took += trial.Took;
                tries++;
            }
            while (!trial.IsCaught && tries < Tries);
            Note(trial.IsCaught);
            all &= trial.IsCaught;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{flaw,-18}  {(trial.IsCaught ? "caught" : "NOT CAUGHT"),-10}  {took.TotalSeconds,6:F2} s  {tries,5}  {trial.Evidence}"));
        }

        return all;
    }

    private bool RunEngine()
    {
        var half = TimeSpan.FromSeconds(Math.Ceiling(time.TotalSeconds / 2));
        (string Name, Trial Trial)[] races =
        [
            ("fenced", Trial.Run(new RaceTerms(Flaw.None, Cast.Fenced, half, seed), progress)),
            ("mixed", Trial.Run(new RaceTerms(Flaw.None, Cast.Mixed, half, seed + 1), progress)),
        ];
        output.WriteLine();
        output.WriteLine($"{"raced",-20}{string.Concat(races.Select(race => $"{race.Name,16}"))}");
        bool good = true;
        foreach (Count what in Tally.All)
        {
            output.WriteLine($"{what,-20}{string.Concat(races.Select(race => race.Trial.Output.Of(what).ToString("N0", CultureInfo.InvariantCulture).PadLeft(16)))}");
            if (Tally.Certain.Contains(what) && races.Any(race => race.Trial.Output.Of(what) == 0))
            {
                output.WriteLine($"    {what} did not happen: the race was not the one that is claimed");
                Note(good = false);
            }
        }

        output.WriteLine();
        foreach ((string name, Trial trial) in races)
        {
            bool clean = trial.Outcome == Outcome.Clean;
            Note(clean);
            good &= clean;
            output.WriteLine($"engine, {name} readers: {(clean ? "no translation was used after its unmap had returned" : $"{trial.Outcome}: {trial.Evidence}")}");
            foreach (string line in clean ? [] : trial.Output.Errors.Take(30))
            {
                output.WriteLine($"    {line}");
            }
        }

        return good;
    }

    private void Note(bool good)
    {
        _passed += good ? 1 : 0;
        _failed += good ? 0 : 1;
    }
}
