namespace FastIova.Cli;

/// <summary>What a hostile client of a service costs the others.</summary>
internal sealed class ServiceSuite : ISuite
{
    private const string Id = "service/beside-hostile";
    private const int Batches = 2000;

    public string Name => "service";

    public void Run(BenchRun run)
    {
        if (!run.Wants(Id))
        {
            return;
        }

        run.Step("a client beside a hostile one");
        using var neighbours = new RingNeighbours();
        int batches = run.Quick ? Batches / 10 : Batches;
        Timing[] timings = Measure.Interleaved(run.Reps * 2, () => neighbours.Beside(batches, isHostile: true), () => neighbours.Beside(batches, isHostile: false));
        run.Add(Figure.From(
            Id,
            timings[0],
            timings[1],
            1.05,
            TargetUnit.Ratio,
            "per request of a ring that a service serves, 256 at a time, beside a client that opens rings without end and fills those it has with nonsense; bound: the same beside an honest client that is as busy; where both share processors their schedules are in it"));
    }
}
