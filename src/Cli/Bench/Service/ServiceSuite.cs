namespace FastIova.Cli;

/// <summary>What a hostile client of a service costs the others.</summary>
internal sealed class ServiceSuite : ISuite
{
    private const string Id = "service/beside-hostile";
    private const double Target = 1.05;
    private const int PairsForRep = 4;
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
        double[] honest = new double[run.Reps * PairsForRep];
        double[] ratios = new double[honest.Length];
        TimeSpan lap = run.Quick ? Lap / 5 : Lap;
        _ = neighbours.Beside(lap, isHostile: true);
        _ = neighbours.Beside(lap, isHostile: false);
        for (int pair = 0; pair < honest.Length; pair++)
        {
            // Both right after each other, now this one first and now the other: what the machine does meanwhile meets both.
            bool isHostileFirst = pair % 2 == 0;
            double first = neighbours.Beside(lap, isHostileFirst);
            double second = neighbours.Beside(lap, !isHostileFirst);
            honest[pair] = isHostileFirst ? second : first;
            ratios[pair] = (isHostileFirst ? first : second) / honest[pair];
        }

        Timing beside = Timing.Of(honest);
        double judged = beside.MedianNs * Timing.Of(ratios).MedianNs;
        run.Add(Figure.From(
            Id,
            new Timing(judged, judged, ratios.Length),
            beside with { BestNs = beside.MedianNs },
            Target,
            TargetUnit.Ratio,
            "per request of a ring that a service serves, 256 at a time, beside a client that opens rings without end and fills those it has with nonsense; bound: the same beside an honest client that is as busy, as a median; the ratio is the median of the ratios of pairs that were measured right after each other; where both share processors their schedules are in it"));
    }
}
