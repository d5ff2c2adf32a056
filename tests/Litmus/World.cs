namespace FastIova.Litmus;

/// <summary>What the actors of one race share: an IOMMU with a domain of each shape, the sites in them, and the end.</summary>
internal sealed class World : IDisposable
{
    internal const uint LinearPasid = 1;

    private readonly List<DmaPort> _ports = [];
    private readonly bool _unfenced;
    private string? _violation;
    private bool _over;
    private int _sites;

    internal World(Flaw flaw, Cast cast)
    {
        Flaw = flaw;
        Cast = cast;
        Writes = flaw == Flaw.None ? new EngineWrites() : new BrokenUnmap(flaw);
        _unfenced = flaw == Flaw.SkipFence;
        Iommu = new Iommu();
        TwoLevel = Iommu.CreateDomain();
        Linear = Iommu.CreateDomain(new DomainOptions { Shape = TableShape.Linear, Aperture = new IovaSpan(0, (1UL << 40) - 1) });

        // Eight small sites share a leaf table. The sites of a batch lie in leaf tables of their own, so that trimming finds some.
        int small = cast == Cast.Duel ? 1 : 12;
        Small = [.. Make(small, TwoLevel, 1UL << 32, 64 << 10, 256 << 10), .. Make(small, Linear, 1UL << 32, 64 << 10, 256 << 10)];
        Batched = [.. Make(20, TwoLevel, 2UL << 32, 64 << 10, 512 << 10)];
        Large = [.. Make(4, TwoLevel, 3UL << 32, 4 << 20, 4 << 20)];
        Huge = [.. Make(1, TwoLevel, 16UL << 30, 1UL << 30, 1UL << 30)];
        Swapped = [.. Make(1, TwoLevel, 5UL << 32, 2 << 20, 2 << 20)];
        Sites = [.. Small, .. Batched, .. Large, .. Huge, .. Swapped];
    }

    internal Flaw Flaw { get; }

    internal Cast Cast { get; }

    internal IWriteSide Writes { get; }

    internal Iommu Iommu { get; }

    internal Domain TwoLevel { get; }

    internal Domain Linear { get; }

    internal Site[] Small { get; }

    internal Site[] Batched { get; }

    internal Site[] Large { get; }

    internal Site[] Huge { get; }

    internal Site[] Swapped { get; }

    internal Site[] Sites { get; }

    internal SlowStores SlowStores { get; } = new();

    /// <summary>Whether the actors are to stop.</summary>
    internal bool IsOver => Volatile.Read(ref _over);

    /// <summary>The first violation that somebody saw.</summary>
    internal string? Violation => Volatile.Read(ref _violation);

    internal unsafe ulong Invalidations => Volatile.Read(ref *Iommu.Epoch.Now) - 1;

    /// <summary>Opens a port that reaches both domains.</summary>
    internal DmaPort OpenPort(string name, ReaderKind kind)
    {
        DmaPort port = Iommu.OpenPort(new DmaPortOptions { Name = name, Kind = kind });
        if (_unfenced)
        {
            BrokenUnmap.TakeFenceFrom(port);
        }

        port.Attach(TwoLevel);
        port.Attach(Linear, LinearPasid);
        _ports.Add(port);
        return port;
    }

    internal void End() => Volatile.Write(ref _over, true);

    /// <summary>Says what was seen and ends the race.</summary>
    internal void Accuse(string what)
    {
        _ = Interlocked.CompareExchange(ref _violation, what, null);
        End();
    }

    /// <summary>Closes the ports, unmaps what is left and checks that nothing is.</summary>
    internal void Settle()
    {
        foreach (DmaPort port in _ports)
        {
            port.Dispose();
        }

        foreach (Domain domain in new[] { TwoLevel, Linear })
        {
            _ = domain.Unmap(0, domain.Options.Aperture.Last + 1);
            _ = domain.Trim();
            if (domain.MappedBytes != 0 || domain.TableFrames != 0 || domain.TableBytes != 0)
            {
                Accuse($"After everything was unmapped and trimmed a {domain.Options.Shape} domain holds {domain.MappedBytes} mapped bytes, {domain.TableFrames} frames and {domain.TableBytes} bytes of tables.");
            }
        }

        if (Iommu.OpenPorts != 0)
        {
            Accuse($"{Iommu.OpenPorts} ports are open after all were disposed.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        TwoLevel.Dispose();
        Linear.Dispose();
        Iommu.Dispose();
        SlowStores.Dispose();
        foreach (Site site in Sites)
        {
            site.Dispose();
        }
    }

    private IEnumerable<Site> Make(int count, Domain domain, ulong iova, ulong bytes, ulong stride)
    {
        for (int i = 0; i < count; i++)
        {
            yield return new Site(++_sites, domain, domain == Linear ? LinearPasid : Fault.NoPasid, iova + ((ulong)i * stride), bytes);
        }
    }
}
