namespace FastIova.Cli;

/// <summary>A device that looks 64 hot pages up in batches of 256 without a break: the reader for which an unmap has to wait.</summary>
internal sealed class BusyReader : IDisposable
{
    private const int Pages = 64;
    private const int Batch = 256;
    private const int CheckEvery = 1024;
    private const ulong PageBytes = 4096;

    private readonly HostMemory _memory;
    private readonly DmaPort _port;
    private readonly ulong[] _iovas = GC.AllocateArray<ulong>(Batch, pinned: true);
    private readonly nuint[] _hosts = GC.AllocateArray<nuint>(Batch, pinned: true);
    private readonly ulong[] _expected = new ulong[Batch];

    /// <param name="iommu">The IOMMU.</param>
    /// <param name="domain">Its domain; the 64 pages from <paramref name="first"/> on are free.</param>
    /// <param name="first">Where the reader's own pages are mapped.</param>
    internal BusyReader(Iommu iommu, Domain domain, ulong first)
    {
        _memory = HostMemory.Allocate(Pages * PageBytes);
        domain.Map(first, _memory.Address, Pages * PageBytes, Permission.ReadWrite);
        _port = iommu.OpenPort(new DmaPortOptions { Name = "busy", Kind = ReaderKind.Batch });
        _port.Attach(domain);
        var random = new Random(Pages);
        for (int i = 0; i < Batch; i++)
        {
            ulong offset = ((ulong)random.Next(Pages) * PageBytes) + (ulong)random.Next((int)PageBytes);
            _iovas[i] = first + offset;
            _expected[i] = _memory.Address + offset;
        }
    }

    /// <summary>The batches so far.</summary>
    internal long Batches { get; private set; }

    /// <summary>Reads until the team is over.</summary>
    /// <param name="team">The reader's and the writer's.</param>
    internal void ReadUntilOver(PinnedTeam team)
    {
        do
        {
            bool good = _port.TranslateBatch(_iovas, _hosts, Permission.Read, out Fault fault) && _hosts[^1] == _expected[^1];
            for (int i = 0; Batches % CheckEvery == 0 && i < Batch; i++)
            {
                good &= _hosts[i] == _expected[i];
            }

            if (!good)
            {
                throw new BenchFailureException($"A page that stays mapped was translated wrongly while others were unmapped ({fault}).");
            }

            Batches++;
        }
        while (!team.IsOver);
    }

    public void Dispose()
    {
        _port.Dispose();
        _memory.Dispose();
    }
}
