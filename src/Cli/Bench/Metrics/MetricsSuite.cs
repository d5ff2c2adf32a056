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
    private const int RepsFactor = 16;

    // Where the caches of a port lie in memory matters more than what is measured: so many ports of each kind take turns.
    private const int Places = 8;

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
        var ports = new DmaPort[2 * Places];
        for (int i = 0; i < ports.Length; i++)
        {
            // Counted, not, not, counted: neither kind always lies behind the other.
            ports[i] = Open(set, IsCounted(i) ? null : Translator.Create<NotCounting>);
        }

        Contender[] with = [.. ports.Where((_, i) => IsCounted(i)).Select(port => Contend(set, port, iovas))];
        Contender[] without = [.. ports.Where((_, i) => !IsCounted(i)).Select(port => Contend(set, port, iovas))];
        ulong before = set.Iommu.ReadCounts().Lookups;
        int turn = 0;
        int otherTurn = 0;
        Timing[] timings = Measure.Interleaved(run.Reps * RepsFactor, () => with[turn++ % Places].Lap(), () => without[otherTurn++ % Places].Lap());
        ulong lookups = set.Iommu.ReadCounts().Lookups - before;
        ulong expected = (ulong)((run.Reps * RepsFactor) + 1) * Rounds * HotAddresses;
        Array.ForEach(ports, port => port.Dispose());
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

    private static bool IsCounted(int index) => (index & 3) is 0 or 3;

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
