using System.Globalization;

namespace FastIova.Cli;

/// <summary>What the tables and the data path take: bytes, not time.</summary>
internal sealed class FootprintSuite : ISuite
{
    private const string PageId = "memory/bytes-per-page";
    private const string RequestId = "alloc/bytes-per-request";
    private const ulong GiB = 1UL << 30;
    private const ulong PageBytes = 4096;

    public string Name => "footprint";

    public void Run(BenchRun run)
    {
        if (run.Wants(PageId))
        {
            run.Step("memory of a densely mapped table");
            run.Add(Memory(run.Quick ? 4 * GiB : 64 * GiB));
        }

        if (run.Wants(RequestId))
        {
            run.Step("allocations of the data path");
            run.Add(Allocations(run.Quick ? 1 << 16 : 1 << 20));
        }
    }

    private static Figure Memory(ulong bytes)
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12 });

        // The same gigabyte stands behind every gigabyte of IOVAs, and nobody touches it.
        using var memory = HostMemory.Allocate(GiB);
        long residentBefore = ResidentBytes();
        for (ulong iova = GiB; iova < bytes + GiB; iova += GiB)
        {
            MapStatus status = domain.TryMap(iova, memory, 0, GiB, Permission.ReadWrite);
            if (status != MapStatus.Success)
            {
                throw new BenchFailureException($"{PageId}: mapping IOVA 0x{iova:x} was refused: {status}.");
            }
        }

        long resident = ResidentBytes() - residentBefore;
        for (ulong iova = GiB; iova < bytes + GiB; iova += PageBytes)
        {
            if (ScalarWalk.Translate(domain, iova) != memory.Address + (iova % GiB))
            {
                throw new BenchFailureException($"{PageId}: IOVA 0x{iova:x} is not mapped: the memory of the table means nothing.");
            }
        }

        double pages = bytes / PageBytes;
        double perPage = domain.TableBytes / pages;
        string seen = (resident / pages).ToString("0.000", CultureInfo.InvariantCulture);
        return new Figure(
            PageId,
            perPage,
            perPage,
            null,
            8.1,
            TargetUnit.Bytes,
            1,
            Figure.Bytes,
            $"{bytes / GiB} GiB densely mapped as 4 KiB entries; the resident memory of the process grew by {seen} bytes a page");
    }

    private static Figure Allocations(int requests)
    {
        using var path = new DataPathRequests();
        long worst = 0;
        long total = 0;
        string worstName = "none";
        foreach ((string name, Action<int> make) in path.Kinds)
        {
            // The first ones set up what lives as long as the process.
            make(256);
            long before = GC.GetAllocatedBytesForCurrentThread();
            make(requests);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            total += allocated;
            if (allocated > worst)
            {
                worst = allocated;
                worstName = name;
            }
        }

        double perRequest = (double)worst / requests;
        return new Figure(
            RequestId,
            perRequest,
            perRequest,
            null,
            0,
            TargetUnit.Bytes,
            1,
            Figure.Bytes,
            $"{requests} requests of each kind ({string.Join(", ", path.Kinds.Select(kind => kind.Name))}); the worst kind: {worstName}; {total} bytes for all");
    }

    private static long ResidentBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
