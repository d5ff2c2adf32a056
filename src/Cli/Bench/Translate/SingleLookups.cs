namespace FastIova.Cli;

/// <summary>A stream of addresses, translated one by one.</summary>
/// <param name="port">Attached to the domain.</param>
/// <param name="iovas">Mapped addresses; a multiple of 256.</param>
internal sealed class SingleLookups(DmaPort port, AddressStream iovas)
{
    private const int ScopeLookups = 256;

    /// <summary>Each look-up enters and leaves a scope of its own.</summary>
    /// <returns>The exclusive-or of the answers.</returns>
    internal ulong Run()
    {
        ulong sum = 0;
        DmaPort through = port;
        foreach (ulong iova in iovas.Numbers)
        {
            _ = through.TryTranslate(iova, Permission.Read, out nuint host);
            sum ^= host;
        }

        return sum;
    }

    /// <summary>One scope for 256 look-ups.</summary>
    /// <returns>The exclusive-or of the answers.</returns>
    internal ulong RunInScopes()
    {
        ulong sum = 0;
        ReadOnlySpan<ulong> all = iovas.Numbers;
        for (int start = 0; start < all.Length; start += ScopeLookups)
        {
            using DmaScope scope = port.Enter();
            foreach (ulong iova in all.Slice(start, ScopeLookups))
            {
                _ = scope.TryTranslate(iova, Permission.Read, out nuint host);
                sum ^= host;
            }
        }

        return sum;
    }

    /// <summary>Compares each answer with the scalar walk's.</summary>
    /// <param name="domain">The domain.</param>
    /// <returns>The exclusive-or of the scalar walk's answers.</returns>
    internal ulong Verify(Domain domain)
    {
        ulong sum = 0;
        foreach (ulong iova in iovas.Numbers)
        {
            ulong host = ScalarWalk.Translate(domain, iova);
            if (!port.TryTranslate(iova, Permission.Read, out nuint answer) || answer != host)
            {
                throw new BenchFailureException(
                    $"IOVA 0x{iova:x} was translated to 0x{(ulong)answer:x}, the scalar walk says 0x{host:x}: no time is reported for wrong answers.");
            }

            sum ^= host;
        }

        return sum;
    }
}

/// <summary>Pages whose IOVAs are each other's host addresses, in one cycle: each answer is the next question, so a step is the latency of a look-up and nothing else.</summary>
internal sealed class PageRing : IDisposable
{
    private const ulong PageBytes = 4096;

    private readonly Iommu _iommu = new();
    private readonly Domain _domain;
    private readonly DmaPort _port;
    private readonly HostMemory _memory;

    /// <param name="pages">The length of the cycle; a power of two.</param>
    internal PageRing(int pages)
    {
        _memory = HostMemory.Allocate((ulong)pages * PageBytes);
        _domain = _iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12 });
        for (int i = 0; i < pages; i++)
        {
            // An odd stride visits every page before it returns.
            ulong next = (ulong)((i + 13) & (pages - 1));
            MapStatus status = _domain.TryMap(Start + ((ulong)i * PageBytes), _memory, next * PageBytes, PageBytes, Permission.ReadWrite);
            if (status != MapStatus.Success)
            {
                throw new BenchFailureException($"The ring of pages could not be mapped: {status}.");
            }
        }

        _port = _iommu.OpenPort(new DmaPortOptions { Kind = ReaderKind.SingleShot });
        _port.Attach(_domain);
    }

    internal ulong Start => _memory.Address;

    /// <summary>Goes around; a multiple of the length of the cycle ends where it began.</summary>
    /// <param name="steps">How many look-ups.</param>
    /// <returns>Where it ended.</returns>
    internal ulong Follow(int steps)
    {
        ulong at = Start;
        using DmaScope scope = _port.Enter();
        for (int i = 0; i < steps; i++)
        {
            _ = scope.TryTranslate(at, Permission.Read, out nuint host);
            at = host;
        }

        return at;
    }

    public void Dispose()
    {
        _port.Dispose();
        _domain.Dispose();
        _iommu.Dispose();
        _memory.Dispose();
    }
}
