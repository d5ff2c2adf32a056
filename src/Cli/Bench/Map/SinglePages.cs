using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FastIova.Cli;

/// <summary>A few pages, mapped one by one and unmapped one by one on the page table itself: no lock, no grace period, everything in the first-level cache.</summary>
internal sealed class SinglePages : IDisposable
{
    private const ulong PageBytes = 4096;
    private const ulong ApertureBytes = 64UL << 30;

    private readonly Iommu _iommu = new();
    private readonly Domain _domain;
    private readonly RadixTable<Granule4K> _table;
    private readonly HostMemory _memory;
    private readonly (IovaSpan Span, ulong Host)[] _pages;

    /// <param name="pages">How many; each at a random place of 64 GiB.</param>
    internal SinglePages(int pages)
    {
        _domain = _iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12, Aperture = new IovaSpan(0, ApertureBytes - 1) });
        _table = (RadixTable<Granule4K>)_domain.Table;
        _memory = HostMemory.Allocate((ulong)pages * PageBytes);
        var places = new ScatteredPlaces(ApertureBytes, pages);
        _pages = [.. places.Iovas.Select((iova, i) => (new IovaSpan(iova, iova + PageBytes - 1), _memory.Address + ((ulong)i * PageBytes)))];
        Verify();
    }

    /// <summary>Maps all and unmaps all, again and again.</summary>
    /// <param name="rounds">How often.</param>
    /// <returns>The nanoseconds that one map and one unmap took; reading the clock is taken off.</returns>
    internal (double MapNs, double UnmapNs) Lap(int rounds)
    {
        double clockTicks = ClockTicks();
        long mapping = 0;
        long unmapping = 0;
        for (int i = 0; i < rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            bool mapped = MapAll();
            long middle = Stopwatch.GetTimestamp();
            ulong bytes = UnmapAll();
            long end = Stopwatch.GetTimestamp();
            mapping += middle - start;
            unmapping += end - middle;
            if (!mapped || bytes != (ulong)_pages.Length * PageBytes)
            {
                throw new BenchFailureException($"Of {_pages.Length} pages 0x{bytes:x} bytes were mapped and unmapped: no time is reported for the rest.");
            }
        }

        double nsPerTick = 1e9 / Stopwatch.Frequency;
        return (PerPage(mapping), PerPage(unmapping));

        double PerPage(long ticks) => Math.Max(0, ticks - (clockTicks * rounds)) * nsPerTick / ((long)rounds * _pages.Length);
    }

    /// <summary>What one reading of the clock takes; the least of several groups, so that an interruption is not taken off the pages.</summary>
    private static double ClockTicks()
    {
        const int Groups = 16;
        const int Reads = 128;
        long least = long.MaxValue;
        for (int group = 0; group < Groups; group++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 1; i < Reads; i++)
            {
                _ = Stopwatch.GetTimestamp();
            }

            least = Math.Min(least, Stopwatch.GetTimestamp() - start);
        }

        return (double)least / Reads;
    }

    public void Dispose()
    {
        _domain.Dispose();
        _iommu.Dispose();
        _memory.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool MapAll()
    {
        RadixTable<Granule4K> table = _table;
        foreach (ref readonly (IovaSpan Span, ulong Host) page in _pages.AsSpan())
        {
            if (table.Map(page.Span, page.Host, Permission.ReadWrite) != MapStatus.Success)
            {
                return false;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong UnmapAll()
    {
        RadixTable<Granule4K> table = _table;
        ulong total = 0;
        foreach (ref readonly (IovaSpan Span, ulong Host) page in _pages.AsSpan())
        {
            if (table.Unmap(page.Span, out ulong bytes) != MapStatus.Success)
            {
                return 0;
            }

            total += bytes;
        }

        return total;
    }

    private void Verify()
    {
        bool good = MapAll();
        foreach ((IovaSpan span, ulong host) in _pages)
        {
            good &= ScalarWalk.Translate(_domain, span.Last) == host + PageBytes - 1;
        }

        good &= UnmapAll() == (ulong)_pages.Length * PageBytes && _domain.MappedBytes == 0;
        foreach ((IovaSpan span, ulong _) in _pages)
        {
            good &= ScalarWalk.Translate(_domain, span.First) == 0;
        }

        if (!good)
        {
            throw new BenchFailureException("Single pages were not mapped or not unmapped as the scalar walk sees it: no time is reported for them.");
        }
    }
}
