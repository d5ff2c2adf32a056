namespace FastIova.Cli;

/// <summary>A domain with a few pages, addresses within them and the sum of what they translate to: a working set that every cache holds.</summary>
/// <remarks>Owns: the IOMMU, the domain and the memory of the pages.</remarks>
internal sealed class HotPages : IDisposable
{
    private const ulong PageBytes = 4096;
    private const ulong ApertureBytes = 64UL << 30;

    private readonly HostMemory _memory;

    /// <param name="pages">How many pages; each at a random place of 64 GiB.</param>
    /// <param name="addresses">How many addresses to draw; multiples of eight, so that atomic accesses may use them.</param>
    internal HotPages(int pages, int addresses)
    {
        _memory = HostMemory.Allocate((ulong)pages * PageBytes);
        Domain = Iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12, Aperture = new IovaSpan(0, ApertureBytes - 1) });
        ulong[] places = new ScatteredPlaces(ApertureBytes, pages).Iovas;
        for (int i = 0; i < pages; i++)
        {
            Domain.Map(places[i], _memory.Address + (nuint)((ulong)i * PageBytes), PageBytes, Permission.ReadWrite);
        }

        var random = new Random(pages);
        ulong[] iovas = new ulong[addresses];
        foreach (ref ulong iova in iovas.AsSpan())
        {
            iova = places[random.Next(pages)] + ((ulong)random.Next((int)PageBytes / 8) * 8);
            Sum += ScalarWalk.Translate(Domain, iova);
        }

        Stream = new AddressStream(iovas);
    }

    internal Iommu Iommu { get; } = new();

    internal Domain Domain { get; }

    internal AddressStream Stream { get; }

    /// <summary>The sum of the host addresses of the stream, by the scalar walk.</summary>
    internal ulong Sum { get; }

    /// <summary>Opens a port of one thread.</summary>
    internal DmaPort OpenPort(string name, ReaderKind kind = ReaderKind.Batch)
    {
        DmaPort port = Iommu.OpenPort(new DmaPortOptions { Name = name, Kind = kind });
        port.Attach(Domain);
        return port;
    }

    public void Dispose()
    {
        Stream.Dispose();
        Domain.Dispose();
        Iommu.Dispose();
        _memory.Dispose();
    }
}
