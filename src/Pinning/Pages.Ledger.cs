namespace FastIova;

/// <content>The place in the ledger.</content>
internal sealed partial class Pages
{
    // The ledger's: under the lock of the shard.
    internal Pages? Next { get; set; }

    internal Pages? Previous { get; set; }

    internal int Shard { get; set; }

    /// <summary>How often a page is pinned here: more than once when the memory has it at several addresses.</summary>
    internal int CountPins(PageIdentity identity)
    {
        int count = 0;
        Enter();
        for (PinnedRange? range = FirstIn(0, ulong.MaxValue); range is not null; range = After(range, ulong.MaxValue))
        {
            count += CountPins(range, identity);
        }

        Exit();
        return count;
    }

    private static int CountPins(PinnedRange range, PageIdentity identity)
    {
        ulong pages = range.Last - range.First + 1;
        if (!range.Start.IsRemote)
        {
            return OwnMemory.Instance.CountPages(identity, range.Start.Host, range.Start.Host + ((pages << Frame.PageLg2) - 1));
        }

        var memory = MemorySpace.ByIndex(range.Start.SpaceIndex);
        if (memory is null || memory.PrivateOwner == identity.Owner)
        {
            return memory is not null && identity.Offset - range.Start.RemoteAddress < pages << Frame.PageLg2 ? 1 : 0;
        }

        // Memory that processes share but the engine could not map: each page is asked about.
        int count = 0;
        for (ulong page = 0; page < pages; page++)
        {
            count += memory.TryIdentify(range.Start.Next(page).RemoteAddress, out PageIdentity other) && other == identity ? 1 : 0;
        }

        return count;
    }
}
