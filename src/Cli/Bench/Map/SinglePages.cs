using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FastIova.Cli;

/// <summary>A few pages, mapped one by one and unmapped one by one on the page table itself: no lock, no grace period, everything in the first-level cache.</summary>
internal sealed class SinglePages : IDisposable
{
    private const ulong PageBytes = 4096;
    private const ulong ApertureBytes = 64UL << 30;
    private const int ClockReads = 4096;

    private readonly Iommu _iommu = new();
    private readonly Domain _domain;
    private readonly RadixTable<Granule4K> _table;
    private readonly HostMemory _memory;
    private readonly IovaSpan[] _spans;
    private readonly ulong[] _hosts;

    /// <param name="pages">How many; each at a random place of 64 GiB.</param>
    internal SinglePages(int pages)
    {
        _domain = _iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12, Aperture = new IovaSpan(0, ApertureBytes - 1) });
        _table = (RadixTable<Granule4K>)_domain.Table;
        _memory = HostMemory.Allocate((ulong)pages * PageBytes);
        var places = new ScatteredPlaces(ApertureBytes, pages);
        _spans = Array.ConvertAll(places.Iovas, iova => new IovaSpan(iova, iova + PageBytes - 1));
        _hosts = [.. Enumerable.Range(0, pages).Select(i => _memory.Address + ((ulong)i * PageBytes))];
        Verify();
    }

    /// <summary>Maps all and unmaps all, again and again.</summary>
    /// <param name="rounds">How often.</param>
    /// <returns>The nanoseconds that one map and one unmap took; reading the clock is taken off.</returns>
    internal (double MapNs, double UnmapNs) Lap(int rounds)
    {
        long clock = Stopwatch.GetTimestamp();
        for (int i = 1; i < ClockReads; i++)
        {
            _ = Stopwatch.GetTimestamp();
        }

        double clockTicks = (double)(Stopwatch.GetTimestamp() - clock) / ClockReads;
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
            if (!mapped || bytes != (ulong)_spans.Length * PageBytes)
            {
                throw new BenchFailureException($"Of {_spans.Length} pages 0x{bytes:x} bytes were mapped and unmapped: no time is reported for the rest.");
            }
        }

        double nsPerTick = 1e9 / Stopwatch.Frequency;
        return (PerPage(mapping), PerPage(unmapping));

        double PerPage(long ticks) => Math.Max(0, ticks - (clockTicks * rounds)) * nsPerTick / ((long)rounds * _spans.Length);
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
        ReadOnlySpan<IovaSpan> spans = _spans;
        ReadOnlySpan<ulong> hosts = _hosts.AsSpan(0, spans.Length);
        int refused = 0;
        for (int i = 0; i < spans.Length; i++)
        {
            refused |= (int)table.Map(spans[i], hosts[i], Permission.ReadWrite);
        }

        return refused == (int)MapStatus.Success;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong UnmapAll()
    {
        RadixTable<Granule4K> table = _table;
        ulong total = 0;
        foreach (ref readonly IovaSpan span in _spans.AsSpan())
        {
            _ = table.Unmap(span, out ulong bytes);
            total += bytes;
        }

        return total;
    }

    private void Verify()
    {
        bool good = MapAll();
        for (int i = 0; i < _spans.Length; i++)
        {
            good &= ScalarWalk.Translate(_domain, _spans[i].Last) == _hosts[i] + PageBytes - 1;
        }

        good &= UnmapAll() == (ulong)_spans.Length * PageBytes && _domain.MappedBytes == 0;
        foreach (IovaSpan span in _spans)
        {
            good &= ScalarWalk.Translate(_domain, span.First) == 0;
        }

        if (!good)
        {
            throw new BenchFailureException("Single pages were not mapped or not unmapped as the scalar walk sees it: no time is reported for them.");
        }
    }
}
