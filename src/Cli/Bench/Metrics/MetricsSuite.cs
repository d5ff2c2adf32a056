namespace FastIova.Cli;

/// <summary>What counting costs: the hot batch as everybody has it, against the same loop compiled without its counters.</summary>
internal sealed class MetricsSuite : ISuite
{
    private const string Id = "metrics/overhead";
    private const int HotPages = 64;
    private const int HotAddresses = 64 << 10;
    private const int Batch = 256;

    // Long enough for a lap to mean something, and repeated often: what is looked for is a fraction of a per cent.
    private const int Rounds = 8;
    private const int RepsFactor = 10;

    public string Name => "metrics";

    public void Run(BenchRun run)
    {
        if (!run.Wants(Id))
        {
            return;
        }

        run.Step("hot batches, counted and not counted");
        using var set = MappingSet.Build("L");
        using var iovas = new AddressStream(set.Hot(HotPages, HotAddresses));
        using DmaPort counted = Open(set, loops: null);
        using DmaPort uncounted = Open(set, Translator.Create<NotCounting>);
        Contender with = Contend(set, counted, iovas);
        Contender without = Contend(set, uncounted, iovas);
        ulong before = set.Iommu.ReadCounts().Lookups;
        Timing[] timings = Measure.Interleaved(run.Reps * RepsFactor, with, without);
        ulong lookups = set.Iommu.ReadCounts().Lookups - before;
        ulong expected = (ulong)((run.Reps * RepsFactor) + 1) * Rounds * HotAddresses;
        if (lookups != expected)
        {
            throw new BenchFailureException($"{Id}: {lookups} look-ups were counted, {expected} were made by the port that counts: the two ports do not differ as they should.");
        }

        run.Add(Figure.From(
            Id,
            timings[0],
            timings[1],
            1.01,
            TargetUnit.Ratio,
            "the hot batch of 256; bound: the same loop compiled without counters; counting is one addition to memory for a batch"));
    }

    private static DmaPort Open(MappingSet set, Func<PortContext, PageTable, IsaWidth, Translator>? loops)
    {
        DmaPort port = set.Iommu.OpenPort(new DmaPortOptions { Name = set.Name, Loops = loops });
        port.Attach(set.Domain);
        return port;
    }

    private static Contender Contend(MappingSet set, DmaPort port, AddressStream iovas)
    {
        var lookups = new BatchLookups(port, iovas, Batch);
        ulong expected = (Rounds & 1) == 0 ? 0 : lookups.Verify(set.Domain);
        _ = lookups.Verify(set.Domain);
        return new Contender(Id, (long)iovas.Length * Rounds, () =>
        {
            ulong sum = 0;
            for (int i = 0; i < Rounds; i++)
            {
                sum ^= lookups.Run();
            }

            return sum;
        })
        { Expected = expected };
    }
}
