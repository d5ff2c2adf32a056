using System.Globalization;
using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>The writer's side of a page table without its readers: pages mapped and unmapped, one by one, scattered in batches, and in bulk.</summary>
internal sealed class MapSuite : ISuite
{
    private const string MapSingleId = "map/single/hot";
    private const string UnmapSingleId = "unmap/single/hot";
    private const string BulkId = "map/bulk/1GiB";
    private const ulong GiB = 1UL << 30;
    private const int HotPages = 64;
    private const int Batch = 64;

    public string Name => "map";

    public void Run(BenchRun run)
    {
        bool map = run.Wants(MapSingleId);
        bool unmap = run.Wants(UnmapSingleId);
        if (map || unmap)
        {
            run.Step("single pages: 64 hot ones, mapped and unmapped");
            Single(run, map, unmap);
        }

        Scattered(run, "map/batch64/L", 262_144, 64 * GiB, 8);
        Scattered(run, "map/batch64/XL", run.Quick ? 1 << 20 : 1 << 22, (run.Quick ? 64UL : 256UL) * GiB, 12);
        if (run.Wants(BulkId))
        {
            run.Step("1 GiB mapped as 4 KiB entries");
            Bulk(run);
        }
    }

    private static void Single(BenchRun run, bool map, bool unmap)
    {
        int rounds = run.Quick ? 5_000 : 20_000;
        using var pages = new SinglePages(HotPages);
        using var stores = RandomStores.Over(HotPages * 64, [.. Enumerable.Range(0, HotPages).Select(i => (ulong)i * 8)]);
        var bound = new Contender("stores to 64 hot words", (long)HotPages * rounds, () =>
        {
            ulong count = 0;
            for (int i = 0; i < rounds; i++)
            {
                count += stores.Naive((ulong)i);
            }

            return count;
        })
        {
            Expected = (ulong)(HotPages * rounds),
        };
        Timing[] timings = Measure.Interleaved(run.Reps, bound.Lap, () => pages.Lap(rounds).MapNs, () => pages.Lap(rounds).UnmapNs);
        if (map)
        {
            run.Add(Figure.From(
                MapSingleId, timings[1], timings[0], 2.5, TargetUnit.Nanoseconds, "on the page table itself, without lock; bound: 64 stores to 64 lines; tried: eight counters of mapped bytes in turn, so that no addition waits for the one before (alike), one bound of the aperture for two (kept, alike)"));
        }

        if (unmap)
        {
            run.Add(Figure.From(
                UnmapSingleId, timings[2], timings[0], 2.5, TargetUnit.Nanoseconds, "on the page table itself, without grace period; bound: 64 stores to 64 lines; tried: as for map/single/hot"));
        }
    }

    private static void Scattered(BenchRun run, string id, int count, ulong apertureBytes, double targetNs)
    {
        if (!run.Wants(id))
        {
            return;
        }

        run.Step($"{count} scattered pages mapped in batches of {Batch}");
        var places = new ScatteredPlaces(apertureBytes, count);
        ulong[] words = places.Words(out int lines);
        using var stores = RandomStores.Over((ulong)lines * 64, words);
        using var layout = RandomStores.Over(apertureBytes / 4096 * sizeof(ulong), Array.ConvertAll(places.Iovas, iova => iova / 4096));
        using var pages = new ScatteredPages(places, apertureBytes, Batch);
        Timing[] timings = Measure.Interleaved(
            run.Reps,
            new Contender(id, count, pages.MapAll) { Expected = pages.Bytes, Prepare = pages.UnmapAll },
            new Contender("naive stores", count, () => stores.Naive(1)) { Expected = (ulong)count },
            new Contender("look-ahead stores", count, () => stores.LookAhead(2)) { Expected = (ulong)count },
            new Contender("stores over the layout", count, () => layout.LookAhead(1)) { Expected = (ulong)count });
        if (stores.LookAhead(3) != (ulong)count || !stores.AllHold(3))
        {
            throw new BenchFailureException("Random stores did not store: they bound nothing.");
        }

        run.Add(Figure.From(
            id,
            timings[0],
            Timing.Fastest(timings.AsSpan(1, 2)),
            targetNs,
            TargetUnit.Nanoseconds,
            string.Create(
                CultureInfo.InvariantCulture,
                $"leaf tables present; bound: random stores over {lines} lines side by side; spread out as the tables are, the same stores take {timings[3].BestNs:0.0} ns")));
    }

    private static void Bulk(BenchRun run)
    {
        const ulong TableBytes = GiB / 4096 * sizeof(ulong);
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12, Aperture = new IovaSpan(0, (1UL << 40) - 1) });
        using var memory = HostMemory.Allocate(GiB);
        using var area = HostMemory.Allocate(TableBytes, hugePages: true);
        var span = new IovaSpan(16 * GiB, (17 * GiB) - 1);
        ulong host = memory.Address;

        ulong MapAll() => domain.Table.Map(span, host, Permission.ReadWrite) == MapStatus.Success ? domain.MappedBytes : 0;
        ulong Clear()
        {
            area.Bytes(0, (int)TableBytes).Clear();
            return 0;
        }

        Timing[] timings = Measure.Interleaved(
            run.Reps * 8,
            new Contender(BulkId, 1, MapAll) { Expected = GiB, Prepare = () => domain.Table.Unmap(span, out _) },
            new Contender("Span.Clear of 2 MiB", 1, Clear) { Prepare = () => MemoryMarshal.Cast<byte, ulong>(area.Bytes(0, (int)TableBytes)).Fill(1) });
        for (ulong at = 0; at < GiB; at += 4096)
        {
            if (ScalarWalk.Translate(domain, span.First + at) != host + at)
            {
                throw new BenchFailureException($"IOVA 0x{span.First + at:x} of a bulk map is not mapped as the scalar walk sees it: no time is reported for it.");
            }
        }

        run.Add(Figure.From(BulkId, timings[0], timings[1], 1.2, note: "ns for the whole GiB, 262144 entries, leaf tables present; bound: Span.Clear over 2 MiB"));
    }
}
