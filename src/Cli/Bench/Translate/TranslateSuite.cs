namespace FastIova.Cli;

/// <summary>Look-ups: single and in batches, over every mapping set, against the loads that they cannot do without.</summary>
internal sealed class TranslateSuite : ISuite
{
    private const int HotPages = 64;
    private const int HotAddresses = 64 << 10; // a window of 512 KiB
    private const int HotRounds = 16;
    private const int AttachedPasids = 64;
    private const int PasidsInTurn = 4;
    private const uint PasidStride = 16_381; // so that each lies in another leaf of the table of PASIDs

    public string Name => "translate";

    public void Run(BenchRun run)
    {
        if (run.WantsAny("translate/single") || run.WantsAny("translate/batch256/hot") || run.WantsAny("translate/batch64") || run.WantsAny("translate/batch8") || run.WantsAny("translate/pasid"))
        {
            Hot(run);
        }

        Uniform(run, "translate/batch256/S2M", "S2M", TableShape.TwoLevel, 1.3);
        Uniform(run, "translate/batch256/S4K", "S4K", TableShape.TwoLevel, 1.3);
        Uniform(run, "translate/batch256/M", "M", TableShape.TwoLevel, null);
        Uniform(run, "translate/batch256/L", "L", TableShape.TwoLevel, 1.7);
        Uniform(run, "translate/batch256/XL", "XL", TableShape.TwoLevel, 1.3);
        Uniform(run, "translate/batch256/MIX", "MIX", TableShape.TwoLevel, 0.75);
        Uniform(run, "translate/linear/S4K", "S4K", TableShape.Linear, 1.3);
        Uniform(run, "translate/linear/L", "L", TableShape.Linear, 1.7);
        Uniform(run, "translate/linear/XL", "XL", TableShape.Linear, 1.15);
        Hint(run, "translate/hint/O", "O");
        Hint(run, "translate/hint/S2M", "S2M");
    }

    private static void Hot(BenchRun run)
    {
        run.Step("look-ups: 64 hot pages");
        using var set = MappingSet.Build("L");
        using var iovas = new AddressStream(set.Hot(HotPages, HotAddresses));
        using var pasidIovas = new AddressStream(set.Hot(HotPages / PasidsInTurn, HotAddresses));
        int rounds = run.Quick ? 4 : HotRounds;
        using DmaPort port = OpenPort(set, ReaderKind.SingleShot);
        using DmaPort batchPort = OpenPort(set, ReaderKind.Batch);
        using DmaPort pasidPort = OpenPort(set, ReaderKind.Batch);
        for (uint pasid = 1; pasid <= AttachedPasids; pasid++)
        {
            pasidPort.Attach(set.Domain, pasid * PasidStride);
        }

        nuint[] copyTarget = GC.AllocateArray<nuint>(256, pinned: true);

        Contender Batch(string id, DmaPort through, AddressStream iovas, int batch, params uint[] pasids)
        {
            var lookups = new BatchLookups(through, iovas, batch, pasids);
            ulong expected = (rounds & 1) == 0 ? 0 : lookups.Verify(set.Domain);
            _ = lookups.Verify(set.Domain);
            return new Contender(id, (long)iovas.Length * rounds, () => Repeat(rounds, lookups.Run)) { Expected = expected };
        }

        var single = new SingleLookups(port, iovas);
        ulong singleExpected = single.Verify(set.Domain);
        var copy = new Contender("copy of the window", (long)iovas.Length * rounds, () => Repeat(rounds, () => Copy(iovas, copyTarget)));
        Timing[] timings = Measure.Interleaved(
            run.Reps,
            copy,
            Batch("translate/batch256/hot", batchPort, iovas, 256),
            Batch("translate/batch64/hot", port, iovas, 64),
            Batch("translate/batch8/hot", port, iovas, 8),
            new Contender("translate/single/hot", (long)iovas.Length * rounds, () => Repeat(rounds, single.Run)) { Expected = (rounds & 1) == 0 ? 0 : singleExpected },
            Batch("translate/pasid/hot", pasidPort, pasidIovas, 256, 5 * PasidStride, 17 * PasidStride, 40 * PasidStride, 63 * PasidStride));

        Add(run, "translate/single-latency/hot", Latency(run), null, 2.5, "ring of 64 pages, each answer is the next address; with permission check, inside one scope; the chain is shift, mask, add, one load and add: nine cycles");
        Add(run, "translate/single/hot", timings[4], timings[0], 1.0, "with scope enter and exit for each, which cost 0.45 ns of it on Zen 4; single-shot reader; tried: separate branches for scope, epoch and tag (3.4 ns), an answer that lies in memory because a call may write it (2.16 for 1.79)");
        Add(run, "translate/batch256/hot", timings[1], timings[0], 1.25, "bound: copy of the window, batch by batch; fenced reader; eight look-ups are 45 instructions, 17 of them loads, where the copy needs two, and take ten cycles on Zen 4; tried: a list of misses with a branch (0.60) and a map without (0.61, kept), constants of the array by type and vectors made before the loop (0.48 to 0.40, kept), 16,384 places for 4,096 (0.69 to 0.41 where two of the 64 pages shared one, else alike: kept), AND-NOT with an operand in memory (the JIT splits it), 256-bit vectors (0.49)", ratio: true);
        Add(run, "translate/pasid/hot", timings[5], timings[1], 1.05, $"every batch of 256 has another PASID, {PasidsInTurn} in turn of {AttachedPasids} that are attached all over the 20 bits, with {HotPages / PasidsInTurn} pages each at the same addresses; bound: batch256/hot, {HotPages} pages of one address space", ratio: true);
        Add(run, "translate/batch64/hot", timings[2], timings[0], 0.30, "single-shot reader; a call costs some 10 ns on Zen 4 (scope, one virtual call, setting up the vectors), shared by 64 look-ups; tried: no pinning while all hit, no fault built on the stack (0.60 to 0.48 together with the loop, kept)");
        Add(run, "translate/batch8/hot", timings[3], timings[0], 0.55, "single-shot reader; a call costs some 10 ns on Zen 4, shared by 8 look-ups; tried: the chunk inlined (2.4 to 2.1, kept), no pinning while all hit, no fault built on the stack (2.1 to 1.75, kept)");
    }

    private static ulong Repeat(int rounds, Func<ulong> run)
    {
        ulong sum = 0;
        for (int i = 0; i < rounds; i++)
        {
            sum ^= run();
        }

        return sum;
    }

    private static ulong Copy(AddressStream stream, nuint[] to)
    {
        Span<ulong> target = System.Runtime.InteropServices.MemoryMarshal.Cast<nuint, ulong>(to.AsSpan());
        ReadOnlySpan<ulong> from = stream.Numbers;
        for (int start = 0; start < from.Length; start += target.Length)
        {
            from.Slice(start, target.Length).CopyTo(target);
        }

        return target[^1];
    }

    private static Timing Latency(BenchRun run)
    {
        const int Steps = 1 << 20;
        using var ring = new PageRing(HotPages);
        return Measure.Interleaved(run.Reps, new Contender("translate/single-latency/hot", Steps, () => ring.Follow(Steps)) { Expected = ring.Start })[0];
    }

    private static void Uniform(BenchRun run, string id, string name, TableShape shape, double? target)
    {
        if (!run.Wants(id))
        {
            return;
        }

        run.Step($"look-ups: set {name}, {(shape == TableShape.Linear ? "linear" : "two-level")}");
        using var set = MappingSet.Build(name, shape, run.Quick);
        (ulong[] drawn, ulong[] words) = set.Uniform(run.Quick ? 1 << 20 : 1 << 23);
        using var iovas = new AddressStream(drawn);
        using DmaPort port = OpenPort(set, ReaderKind.Batch);
        var lookups = new BatchLookups(port, iovas, 256);
        ulong expected = lookups.Verify(set.Domain);
        using var loads = RandomLoads.Over((ulong)set.LineCount * 64, words);
        Timing[] timings = Measure.Interleaved(
            run.Reps,
            new Contender(id, iovas.Length, lookups.Run) { Expected = expected },
            new Contender("naive loads", iovas.Length, loads.Naive) { Expected = loads.Expected },
            new Contender("eight-wide loads", iovas.Length, loads.EightWide) { Expected = loads.Expected },
            new Contender("two-phase loads", iovas.Length, loads.TwoPhase) { Expected = loads.Expected },
            new Contender("look-ahead loads", iovas.Length, loads.LookAhead) { Expected = loads.Expected });
        Add(run, id, timings[0], Timing.Fastest(timings.AsSpan(1)), target, $"{set.LineCount} lines of table words; {Reason(name, shape)}", ratio: target is not null);
    }

    // What stands between a figure and its bound, from the measurements of November 2026 on Zen 4.
    private static string Reason(string name, TableShape shape) => (name, shape) switch
    {
        ("S2M", _) => "every answer takes a root word; tried: a second load for every answer, through the stack (1.18 ns for 0.75)",
        ("S4K", TableShape.TwoLevel) => "two dependent loads where the bound has one; tried: scalar addresses (2.8 for 2.4 ns), look-ahead (2.8), all words found and asked for before the first is read (kept: 3.0 to 2.5 on a busy machine)",
        ("L", _) => "the bound's lines are dense, the table's lie eight lines apart over 128 MiB: the linear table, with one load per answer, takes as long",
        ("XL", TableShape.TwoLevel) => "the root of 1 MiB competes with the leaf lines for the second-level cache; tried: 32-bit root words, an address ring, look-ahead of 32 to 128 (all alike), non-temporal prefetch (kept, 12.4 to 11.2 ns)",
        ("XL", _) => "as the bound, plus permission and offset of each answer",
        ("MIX", _) => "nearly all answers come from root words, spread over 1 MiB of pages of 4 KiB; one in eighty waits for a leaf table; tried: a second load for every answer, words of the root asked for ahead (6.2 for 5.5 ns on a busy machine)",
        _ => "words of one region share a line, regions lie in leaf tables of their own",
    };

    private static void Hint(BenchRun run, string id, string name)
    {
        if (!run.Wants(id))
        {
            return;
        }

        run.Step($"single look-ups through the last hit: set {name}");
        using var set = MappingSet.Build(name);
        int count = run.Quick ? 1 << 18 : 1 << 22;
        (ulong[] uniform, ulong[] words) = set.Uniform(count);

        // One region is hit by every address; of 64 regions the last one is hit as long as a device stays in its buffer.
        using var iovas = new AddressStream(name is "O" ? uniform : set.Dma(count));
        using DmaPort port = OpenPort(set, ReaderKind.SingleShot);
        var lookups = new SingleLookups(port, iovas);
        ulong expected = lookups.Verify(set.Domain);
        using var loads = RandomLoads.Over((ulong)set.LineCount * 64, words);
        Timing[] timings = Measure.Interleaved(
            run.Reps,
            new Contender(id, iovas.Length, lookups.RunInScopes) { Expected = expected },
            new Contender("naive loads", iovas.Length, loads.Naive) { Expected = loads.Expected },
            new Contender("eight-wide loads", iovas.Length, loads.EightWide) { Expected = loads.Expected },
            new Contender("look-ahead loads", iovas.Length, loads.LookAhead) { Expected = loads.Expected });
        Add(run, id, timings[0], Timing.Fastest(timings.AsSpan(1)), 1.0, "one scope for 256 single look-ups; the bound loads eight at a time, a single call cannot; tried: an answer that lies in memory because a call may write it (1.38 for 1.12 ns on O, 2.63 for 2.35 on S2M, where one look-up in 16 changes the region); stream: " + (name is "O" ? "uniform" : "dma"), ratio: true);
    }

    private static DmaPort OpenPort(MappingSet set, ReaderKind kind)
    {
        DmaPort port = set.Iommu.OpenPort(new DmaPortOptions { Name = set.Name, Kind = kind });
        port.Attach(set.Domain);
        return port;
    }

    private static void Add(BenchRun run, string id, Timing timing, Timing? bound, double? target, string note, bool ratio = false)
    {
        if (run.Wants(id))
        {
            run.Add(Figure.From(id, timing, bound, target, ratio ? TargetUnit.Ratio : TargetUnit.Nanoseconds, note));
        }
    }
}
