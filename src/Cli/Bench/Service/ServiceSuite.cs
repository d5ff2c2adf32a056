namespace FastIova.Cli;

/// <summary>What a hostile client of a service costs the others.</summary>
internal sealed class ServiceSuite : ISuite
{
    private const string Hostile = "service/beside-hostile";
    private const string Refused = "service/beside-refused";
    private const double Target = 1.05;
    private const int PairsForRep = 2;
    private static readonly TimeSpan Lap = TimeSpan.FromMilliseconds(50);

    public string Name => "service";

    public void Run(BenchRun run)
    {
        TimeSpan lap = run.Quick ? Lap / 5 : Lap;
        if (run.Wants(Hostile))
        {
            BesideHostile(run, lap);
        }

        if (run.Wants(Refused))
        {
            BesideRefused(run, lap);
        }
    }

    private static void BesideHostile(BenchRun run, TimeSpan lap)
    {
        run.Step("a client beside a hostile one");
        using var neighbours = new RingNeighbours();
        (Timing hostile, Timing honest) = Measure.Paired(run.Reps * PairsForRep, isHostileFirst =>
        {
            double first = neighbours.Beside(lap, isHostileFirst);
            double second = neighbours.Beside(lap, !isHostileFirst);
            return isHostileFirst ? (first, second) : (second, first);
        });
        run.Add(Figure.From(
            Hostile,
            hostile,
            honest,
            Target,
            TargetUnit.Ratio,
            "per request of a ring that a service serves, 256 at a time, beside a client that opens rings without end and fills those it has with nonsense; bound: the same beside an honest client that is as busy, as a median; the ratio is the median of the ratios of pairs that were measured right after each other; where both share processors their schedules are in it"));
    }

    private static void BesideRefused(BenchRun run, TimeSpan lap)
    {
        run.Step("a client beside one that is refused without end");
        using var neighbours = new RingNeighbours();
        using var refused = new RefusedNeighbour(neighbours);
        (Timing beside, Timing alone) = Measure.Paired(run.Reps * PairsForRep, isBesideFirst =>
        {
            double first = Measured(isBesideFirst);
            double second = Measured(!isBesideFirst);
            return isBesideFirst ? (first, second) : (second, first);

            double Measured(bool isBeside) => isBeside ? refused.While(() => neighbours.Translate(lap)) : neighbours.Translate(lap);
        });
        run.Add(Figure.From(
            Refused,
            beside,
            alone,
            Target,
            TargetUnit.Ratio,
            "the same beside a program that makes one call after another which is refused, and was refused often enough to wait (--limit refusals); bound: the same alone; the ratio is such a median, too"));
    }
}
