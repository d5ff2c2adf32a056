using System.Diagnostics;

namespace FastIova.Cli;

/// <summary>Unmaps that keep their promise: with the wait for a device that translates all the while on another processor.</summary>
internal sealed class GraceSuite : ISuite
{
    private const ulong PageBytes = 4096;
    private const int Pages = 2048;
    private const int Rounds = 4;
    private const ulong ApertureBytes = 256UL << 20;

    public string Name => "grace";

    public void Run(BenchRun run)
    {
        Grace(run, "unmap/grace/1", 1, 500);
        Grace(run, "unmap/grace/256", 256, 6);
    }

    private static void Grace(BenchRun run, string id, int batch, double targetNs)
    {
        if (!run.Wants(id))
        {
            return;
        }

        run.Step($"unmaps of {batch} pages under a busy reader");
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12, Aperture = new IovaSpan(0, (2 * ApertureBytes) - 1) });
        using var memory = HostMemory.Allocate((ulong)Pages * PageBytes);
        using var reader = new BusyReader(iommu, domain, ApertureBytes);
        ulong[] iovas = new ScatteredPlaces(ApertureBytes, Pages).Iovas;
        ulong[] hosts = [.. Enumerable.Range(0, Pages).Select(i => memory.Address + ((ulong)i * PageBytes))];
        IovaSpan[] spans = Array.ConvertAll(iovas, iova => new IovaSpan(iova, iova + PageBytes - 1));

        double Lap()
        {
            long ticks = 0;
            var team = new PinnedTeam(2);
            team.Run(
                () =>
                {
                    for (int round = 0; round < Rounds; round++)
                    {
                        ticks += Unmap(id, domain, memory, iovas, hosts, spans, batch);
                    }
                },
                () => reader.ReadUntilOver(team));
            return ticks * (1e9 / Stopwatch.Frequency) / (Rounds * Pages);
        }

        Timing timing = Measure.Interleaved(run.Reps * 4, Lap)[0];
        run.Add(Figure.From(
            id,
            timing,
            null,
            targetNs,
            TargetUnit.Nanoseconds,
            $"per unmap, with the wait for a fenced reader in batches of 256 hot look-ups ({reader.Batches / (run.Reps * 4)} batches a repetition); without a reader 4.8 ns of it at 256; tried: each word found twice, once to check and once to clear (5.5 for 4.8 without a reader)") with
        {
            Percentiles = batch == 1 ? UnmapLatency.Read(domain, memory, iovas, hosts, reader) : [],
        });
    }

    /// <summary>Maps every page, then unmaps every page.</summary>
    /// <returns>The ticks that the unmaps took.</returns>
    private static long Unmap(string id, Domain domain, HostMemory memory, ulong[] iovas, ulong[] hosts, IovaSpan[] spans, int batch)
    {
        ulong before = domain.MappedBytes;
        if (domain.TryMapScattered(iovas, memory, hosts, Permission.ReadWrite) != MapStatus.Success)
        {
            throw new BenchFailureException($"{id}: the pages could not be mapped.");
        }

        long start = Stopwatch.GetTimestamp();
        ulong bytes = batch == 1 ? UnmapEach(domain, spans) : UnmapLists(domain, spans, batch);
        long ticks = Stopwatch.GetTimestamp() - start;
        return bytes == Pages * PageBytes && domain.MappedBytes == before && ScalarWalk.Translate(domain, iovas[^1]) == 0
            ? ticks
            : throw new BenchFailureException($"{id}: 0x{bytes:x} bytes of {Pages} pages were unmapped: no time is reported for the rest.");
    }

    private static ulong UnmapEach(Domain domain, IovaSpan[] spans)
    {
        ulong total = 0;
        foreach (IovaSpan span in spans)
        {
            _ = domain.TryUnmap(span.First, PageBytes, out ulong bytes);
            total += bytes;
        }

        return total;
    }

    private static ulong UnmapLists(Domain domain, IovaSpan[] spans, int batch)
    {
        ulong total = 0;
        for (int start = 0; start < spans.Length; start += batch)
        {
            _ = domain.TryUnmap(spans.AsSpan(start, batch), out ulong bytes, out _);
            total += bytes;
        }

        return total;
    }
}
