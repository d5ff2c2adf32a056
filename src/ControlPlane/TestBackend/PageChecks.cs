namespace FastIova;

/// <summary>The checks that look at pages: which ones a domain maps, and how often they are pinned.</summary>
internal static class PageChecks
{
    private const ulong PageOffset = Frame.PageBytes - 1;

    /// <summary>Compares what a mock domain maps, granule by granule, with the pages of a piece of memory.</summary>
    internal static Errno CheckMap(in IoctlCall call, uint hwptId, in TestCheckMap check)
    {
        bool findsFirst = call.Context.Has(UapiChange.CheckMapFindsFirst);
        if (!findsFirst && !IsAligned(check, TestConstants.MockPageBytes))
        {
            return Errno.Invalid;
        }

        Errno errno = MockOrders.Get(call, hwptId, out PagingHwpt? hwpt);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (findsFirst && !IsAligned(check, ((MockDomain)hwpt!.Domain).SmallestBytes))
        {
            errno = Errno.Invalid;
        }

        for (ulong at = 0; at < check.Length && errno == Errno.Success; at += TestConstants.MockPageBytes)
        {
            errno = CompareGranule(call.Caller.Memory, hwpt!.Domain.Table, check.Iova + at, check.Uptr + at);
        }

        hwpt!.LetGo();
        return errno;
    }

    /// <summary>Compares the pins of every page of a piece of memory with a number.</summary>
    internal static Errno CheckRefs(MemorySpace memory, in TestCheckRefs check)
    {
        if (((check.Length | check.Uptr) & PageOffset) != 0 || check.Uptr + check.Length < check.Uptr)
        {
            return Errno.Invalid;
        }

        for (ulong at = 0; at < check.Length; at += Frame.PageBytes)
        {
            if (!memory.TryIdentify(check.Uptr + at, out PageIdentity page))
            {
                return Errno.BadAddress;
            }

            // A part of a larger page has no count of its own.
            if (!memory.IsCompound(check.Uptr + at) && (uint)PinLedger.CountPins(page) != check.Refs)
            {
                return Errno.InputOutput;
            }
        }

        return Errno.Success;
    }

    /// <summary>Compares frames with the pages of a piece of memory.</summary>
    /// <returns><see cref="Errno.BadExchange"/> when one is another page.</returns>
    internal static Errno CompareFrames(MemorySpace memory, ulong address, ReadOnlySpan<Frame> frames)
    {
        foreach (Frame frame in frames)
        {
            if (!memory.TryIdentify(address & ~PageOffset, out PageIdentity page))
            {
                return Errno.BadAddress;
            }

            if (!TryIdentify(frame, out PageIdentity pinned) || pinned != page)
            {
                return Errno.BadExchange;
            }

            address += Frame.PageBytes;
        }

        return Errno.Success;
    }

    /// <summary>Whether a frame is part of a larger page of the host.</summary>
    internal static bool IsCompound(Frame frame) => Contiguity.IsInLargerPage(frame);

    private static bool IsAligned(in TestCheckMap check, ulong bytes) =>
        ((check.Iova | check.Length | check.Uptr) & (bytes - 1)) == 0 && check.Uptr + check.Length >= check.Uptr;

    private static Errno CompareGranule(MemorySpace memory, Domain table, ulong iova, ulong address)
    {
        if (!memory.TryIdentify(address & ~PageOffset, out PageIdentity page))
        {
            return Errno.BadAddress;
        }

        return table.TryFrameAt(iova, out Frame frame, out ulong offset, out _)
            && offset == (address & PageOffset)
            && TryIdentify(frame, out PageIdentity mapped)
            && mapped == page
            ? Errno.Success
            : Errno.Invalid;
    }

    private static bool TryIdentify(Frame frame, out PageIdentity identity)
    {
        if (!frame.IsRemote)
        {
            return OwnMemory.Instance.TryIdentify(frame.Host, out identity);
        }

        identity = default;
        return MemorySpace.ByIndex(frame.SpaceIndex)?.TryIdentify(frame.RemoteAddress, out identity) == true;
    }
}
