namespace FastIova.Cli;

/// <summary>Requests that another thread publishes in a ring and a port answers there.</summary>
internal sealed class RingSuite : ISuite
{
    private const int Pages = 64;
    private const int Addresses = 1 << 14;

    public string Name => "ring";

    public void Run(BenchRun run)
    {
        Publish(run, "ring/publish1", 1, 2.5);
        Publish(run, "ring/publish8", 8, 0.5);
        Publish(run, "ring/publish256", 256, 0.3333);
    }

    private static void Publish(BenchRun run, string id, int batch, double targetNs)
    {
        if (!run.Wants(id))
        {
            return;
        }

        run.Step($"ring: one producer, one consumer, {batch} requests published at a time");
        using var pages = new HotPages(Pages, Addresses);
        using var race = new RingRace(pages);
        int rounds = batch == 1 ? 32 : 128;
        Timing[] timings = Measure.Interleaved(run.Reps * 4, () => race.Translated(batch, rounds), () => race.Echoed(batch, rounds));
        double millions = 1000 / timings[0].BestNs;
        run.Add(Figure.From(
            id,
            timings[0],
            timings[1],
            targetNs,
            TargetUnit.Nanoseconds,
            $"per request, {millions:0} M requests/s, every answer read and checked; bound: the same ring without translation; alone on a core a request costs 2.4, 1.6 and 1.0 ns at 1, 8 and 256, the rest comes only when both sides run at once; tried: tail counters, phase bits, low-water marks, pauses, larger rings; requests of one direction told from others, and answers marked before they are stored, in passes of their own (both gone)"));
    }
}
