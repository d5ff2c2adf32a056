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
    private const int PairsForRep = 96;

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
        ulong expected = 0;
        ulong before = set.Iommu.ReadCounts().Lookups;

        // Where the caches of a port lie in memory matters more than what is measured: the ports of each pair are opened anew, and each kind
        // is as often the first. By two ports that both do not count, the ratio comes to 1.
        (Timing counted, Timing uncounted) = Measure.Paired(run.Reps * PairsForRep, isCountedFirst =>
        {
            using DmaPort first = Open(set, isCountedFirst);
            using DmaPort second = Open(set, !isCountedFirst);
            Contender one = Contend(set, first, iovas);
            Contender other = Contend(set, second, iovas);
            expected += (Rounds + 1) * (ulong)HotAddresses; // and once to verify
            double earlier = one.Lap();
            double later = other.Lap();
            return isCountedFirst ? (earlier, later) : (later, earlier);
        });
        ulong lookups = set.Iommu.ReadCounts().Lookups - before;
        if (lookups != expected)
        {
            throw new BenchFailureException($"{Id}: {lookups} look-ups were counted, {expected} were made by the ports that count: the two kinds do not differ as they should.");
        }

        run.Add(Figure.From(
            Id,
            counted,
            uncounted,
            1.01,
            TargetUnit.Ratio,
            "the hot batch of 256; bound: the same loop compiled without counters; counting is one addition to memory for a batch; of pairs of laps right after each other, in both orders"));
    }

    private static DmaPort Open(MappingSet set, bool isCounted)
    {
        DmaPort port = set.Iommu.OpenPort(new DmaPortOptions { Name = set.Name, Loops = isCounted ? null : Translator.Create<NotCounting> });
        port.Attach(set.Domain);
        return port;
    }

    private static Contender Contend(MappingSet set, DmaPort port, AddressStream iovas)
    {
        var lookups = new BatchLookups(port, iovas, Batch);
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
        { Expected = 0 }; // the checksums of an even number of equal runs cancel out
    }
}
