namespace FastIova.Cli;

/// <summary>What a hostile client of a service costs the others.</summary>
internal sealed class ServiceSuite : ISuite
{
    private const string Id = "service/beside-hostile";
    private const double Target = 1.05;
    private const int PairsForRep = 2;
    private static readonly TimeSpan Lap = TimeSpan.FromMilliseconds(50);

    public string Name => "service";

    public void Run(BenchRun run)
    {
        if (!run.Wants(Id))
        {
            return;
        }

        run.Step("a client beside a hostile one");
        using var neighbours = new RingNeighbours();
        TimeSpan lap = run.Quick ? Lap / 5 : Lap;
        (Timing hostile, Timing honest) = Measure.Paired(run.Reps * PairsForRep, isHostileFirst =>
        {
            double first = neighbours.Beside(lap, isHostileFirst);
            double second = neighbours.Beside(lap, !isHostileFirst);
            return isHostileFirst ? (first, second) : (second, first);
        });
        run.Add(Figure.From(
            Id,
            hostile,
            honest,
            Target,
            TargetUnit.Ratio,
            "per request of a ring that a service serves, 256 at a time, beside a client that opens rings without end and fills those it has with nonsense; bound: the same beside an honest client that is as busy, as a median; the ratio is the median of the ratios of pairs that were measured right after each other; where both share processors their schedules are in it"));
    }
}
