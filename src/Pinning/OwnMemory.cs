namespace FastIova;

/// <summary>The memory of the engine's own process: a frame is its own address.</summary>
/// <remarks>
/// Ranges of a live <see cref="HostMemory"/> were checked once and cost no system call; the kernel is asked about all others.
/// Who takes memory away that is pinned breaks its own promise: translations of it then lead nowhere.
/// Threads: any.
/// </remarks>
internal sealed class OwnMemory : MemorySpace
{
    private readonly int _process = Environment.ProcessId;

    private OwnMemory()
        : base(isRemote: false)
    {
    }

    internal static OwnMemory Instance { get; } = new();

    internal override bool TryRead(ulong address, Span<byte> destination)
    {
        if (destination.IsEmpty || !KnownMemory.Contains(address, (ulong)destination.Length, write: false))
        {
            return ProcessMemory.TryRead(_process, address, destination);
        }

        HostCopy.Read(address, destination);
        return true;
    }

    internal override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty || !KnownMemory.Contains(address, (ulong)source.Length, write: true))
        {
            return ProcessMemory.TryWrite(_process, address, source);
        }

        HostCopy.Write(address, source);
        return true;
    }

    internal override bool TryPinRun(ulong address, ulong firstPage, ulong pages, bool write, out FrameRun run)
    {
        run = new FrameRun(firstPage, pages, Frame.OfHost(address));
        return KnownMemory.Contains(address, pages << Frame.PageLg2, write);
    }

    internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs)
    {
        // Page zero is no address that a translation could give.
        if (address == 0 || !ProcessMemory.TryPopulate(address, pages << Frame.PageLg2, write))
        {
            return PinStatus.BadAddress;
        }

        runs.Add(new FrameRun(firstPage, pages, Frame.OfHost(address)));
        return PinStatus.Success;
    }

    internal override void Unpin(FrameRun run)
    {
        // The address stays what it is.
    }

    internal override bool TryIdentify(ulong address, out PageIdentity identity)
    {
        bool found = ProcessMaps.Own.TryFind(address, out MemoryRegion region) && region.IsReadable;
        identity = found ? IdentityIn(region, address) : default;
        return found;
    }

    /// <summary>How often a page lies in a range of addresses.</summary>
    internal int CountPages(PageIdentity identity, ulong first, ulong last)
    {
        int count = 0;
        while (ProcessMaps.Own.TryFind(first, out MemoryRegion region))
        {
            ulong end = Math.Min(region.Last, last);
            PageIdentity lowest = IdentityIn(region, first);
            count += lowest.Owner == identity.Owner && identity.Offset >= lowest.Offset && identity.Offset - lowest.Offset <= end - first ? 1 : 0;
            if (end == last)
            {
                break;
            }

            first = end + 1;
        }

        return count;
    }

    internal override bool IsCompound(ulong address) => ProcessMaps.Own.TryFind(address, out MemoryRegion region) && region.IsCompound;
}
