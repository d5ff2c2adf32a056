using BenchmarkDotNet.Attributes;
using FastIova.Cli;

namespace FastIova.Bench;

/// <summary>Pages mapped and unmapped on the page table itself, without lock and grace period.</summary>
[MemoryDiagnoser]
public class MapBench
{
    private const ulong PageBytes = 4096;
    private const int Pages = 64;
    private const ulong ApertureBytes = 64UL << 30;
    private const ulong RunBytes = 1UL << 30;

    private readonly Iommu _iommu = new();
    private Domain _domain = null!;
    private RadixTable<Granule4K> _table = null!;
    private HostMemory _memory = null!;
    private ulong[] _iovas = null!;
    private ulong[] _hosts = null!;

    [GlobalSetup]
    public void Open()
    {
        _domain = _iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12, Aperture = new IovaSpan(0, (2 * ApertureBytes) - 1) });
        _table = (RadixTable<Granule4K>)_domain.Table;
        _memory = HostMemory.Allocate(RunBytes);
        _iovas = new ScatteredPlaces(ApertureBytes, Pages).Iovas;
        _hosts = [.. Enumerable.Range(0, Pages).Select(i => _memory.Address + ((ulong)i * PageBytes))];
    }

    [GlobalCleanup]
    public void Close()
    {
        _domain.Dispose();
        _iommu.Dispose();
        _memory.Dispose();
    }

    /// <summary>A map and an unmap each.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public ulong OneByOne()
    {
        for (int i = 0; i < _iovas.Length; i++)
        {
            _ = _table.Map(new IovaSpan(_iovas[i], _iovas[i] + PageBytes - 1), _hosts[i], Permission.ReadWrite);
        }

        return UnmapEach();
    }

    /// <summary>As <see cref="OneByOne"/>, mapped in one batch.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public ulong Scattered()
    {
        _ = _table.MapScattered(_iovas, _hosts, Permission.ReadWrite);
        return UnmapEach();
    }

    /// <summary>1 GiB as 262,144 entries, mapped and unmapped.</summary>
    [Benchmark]
    public ulong Bulk()
    {
        var span = new IovaSpan(ApertureBytes, ApertureBytes + RunBytes - 1);
        _ = _table.Map(span, _memory.Address, Permission.ReadWrite);
        _ = _table.Unmap(span, out ulong bytes);
        return bytes;
    }

    private ulong UnmapEach()
    {
        ulong total = 0;
        foreach (ulong iova in _iovas)
        {
            _ = _table.Unmap(new IovaSpan(iova, iova + PageBytes - 1), out ulong bytes);
            total += bytes;
        }

        return total;
    }
}
