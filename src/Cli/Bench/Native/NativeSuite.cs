namespace FastIova.Cli;

/// <summary>The same look-ups from C, through libfastiova.so, and in this process: what the C interface costs.</summary>
internal sealed class NativeSuite : ISuite
{
    private const string Batch256 = "native/batch256/hot";
    private const string Variable = "FASTIOVA_LIBRARY";
    private const int Pages = 64;
    private const int Addresses = 64 << 10;
    private const int Batch = 256;
    private const double Target = 1.05;

    public string Name => "native";

    /// <summary>The library that native/build.sh made of this tree, or the one that the variable names; null when there is none.</summary>
    private static string? Library
    {
        get
        {
            string? path = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named
                : RepositoryRoot.Find() is { } root ? Path.Combine(root, "artifacts", "native", "install", "lib", "libfastiova.so")
                : null;
            return File.Exists(path) ? path : null;
        }
    }

    public void Run(BenchRun run)
    {
        if (!run.Wants(Batch256))
        {
            return;
        }

        if (Library is not { } library)
        {
            run.Step($"{Batch256} is left out: there is no libfastiova.so; make it with native/build.sh, or name one in {Variable}");
            return;
        }

        run.Step("look-ups from C: 64 hot pages");
        using var hot = new HotPages(Pages, Addresses);
        using DmaPort port = hot.Iommu.OpenPort();
        port.Attach(hot.Domain);
        int rounds = run.Quick ? 16 : 64;
        nuint[] hosts = GC.AllocateArray<nuint>(Batch, pinned: true);
        ulong expected = Translate(port, hot.Stream, hosts, hot.Domain);
        var inProcess = new Contender("in process", (long)Addresses * rounds, () =>
        {
            ulong sum = 0;
            for (int round = 0; round < rounds; round++)
            {
                sum |= Translate(port, hot.Stream, hosts, oracle: null);
            }

            return sum;
        })
        { Expected = expected };
        using var program = new BatchProgram(library, hot.Stream, rounds);
        Timing[] timings = Measure.Interleaved(run.Reps, program.Lap, inProcess.Lap);
        run.Add(Figure.From(
            Batch256,
            timings[0],
            timings[1],
            Target,
            TargetUnit.Ratio,
            "a C program calls fi_port_translate_batch; the bound is the same stream through the same port in this process, compiled at run time"));
    }

    private static ulong Translate(DmaPort port, AddressStream stream, nuint[] hosts, Domain? oracle)
    {
        ulong sum = 0;
        ReadOnlySpan<ulong> iovas = stream.Numbers;
        for (int start = 0; start < iovas.Length; start += Batch)
        {
            ReadOnlySpan<ulong> batch = iovas.Slice(start, Batch);
            if (!port.TranslateBatch(batch, hosts, Permission.Read, out Fault fault))
            {
                throw new BenchFailureException($"A mapped address was not translated: {fault}.");
            }

            for (int i = 0; oracle is not null && i < Batch; i++)
            {
                if (ScalarWalk.Translate(oracle, batch[i]) != hosts[i])
                {
                    throw new BenchFailureException($"IOVA 0x{batch[i]:x} was translated wrongly: no time is reported for wrong answers.");
                }
            }

            sum ^= hosts[^1];
        }

        return sum;
    }
}
