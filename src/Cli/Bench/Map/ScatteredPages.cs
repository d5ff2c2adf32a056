namespace FastIova.Cli;

/// <summary>Many pages at random places, mapped in batches into leaf tables that are there already.</summary>
internal sealed class ScatteredPages : IDisposable
{
    private const ulong PageBytes = 4096;

    private readonly Iommu _iommu = new();
    private readonly Domain _domain;
    private readonly HostMemory _memory;
    private readonly AddressStream _iovas;
    private readonly AddressStream _hosts;
    private readonly int _batch;

    /// <param name="places">The pages.</param>
    /// <param name="apertureBytes">The addresses of the domain.</param>
    /// <param name="batch">The pages in a batch; divides their number.</param>
    internal ScatteredPages(ScatteredPlaces places, ulong apertureBytes, int batch)
    {
        _batch = batch;
        _domain = _iommu.CreateDomain(new DomainOptions { Aperture = new IovaSpan(0, apertureBytes - 1) });
        _memory = HostMemory.Allocate((ulong)places.Iovas.Length * PageBytes);
        _iovas = new AddressStream(places.Iovas);
        ulong[] hosts = new ulong[places.Iovas.Length];
        for (int i = 0; i < hosts.Length; i++)
        {
            hosts[i] = _memory.Address + ((ulong)i * PageBytes);
        }

        _hosts = new AddressStream(hosts);
        Verify();
    }

    internal ulong Bytes => (ulong)_iovas.Length * PageBytes;

    /// <summary>Maps every page.</summary>
    /// <returns>The mapped bytes.</returns>
    internal ulong MapAll()
    {
        ReadOnlySpan<ulong> iovas = _iovas.Numbers;
        ReadOnlySpan<ulong> hosts = _hosts.Numbers;
        PageTable table = _domain.Table;
        for (int start = 0; start < iovas.Length; start += _batch)
        {
            MapStatus status = table.MapScattered(iovas.Slice(start, _batch), hosts.Slice(start, _batch), Permission.ReadWrite);
            if (status != MapStatus.Success)
            {
                throw new BenchFailureException($"A batch of scattered pages was refused: {status}.");
            }
        }

        return table.MappedBytes;
    }

    /// <summary>Unmaps every page in the same order; the leaf tables stay.</summary>
    internal void UnmapAll()
    {
        PageTable table = _domain.Table;
        foreach (ulong iova in _iovas.Numbers)
        {
            _ = table.Unmap(new IovaSpan(iova, iova + PageBytes - 1), out _);
        }
    }

    public void Dispose()
    {
        _domain.Dispose();
        _iommu.Dispose();
        _memory.Dispose();
        _iovas.Dispose();
        _hosts.Dispose();
    }

    private void Verify()
    {
        bool good = MapAll() == Bytes;
        ReadOnlySpan<ulong> iovas = _iovas.Numbers;
        ReadOnlySpan<ulong> hosts = _hosts.Numbers;
        for (int i = 0; i < iovas.Length; i++)
        {
            good &= ScalarWalk.Translate(_domain, iovas[i]) == hosts[i];
        }

        UnmapAll();
        if (!good || _domain.MappedBytes != 0)
        {
            throw new BenchFailureException("Scattered pages were not mapped as the scalar walk sees it: no time is reported for them.");
        }
    }
}
