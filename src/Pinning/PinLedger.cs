namespace FastIova;

/// <summary>Who holds pins in this engine: every <see cref="Pages"/> there is.</summary>
/// <remarks>
/// Lists under a lock each, so that threads seldom meet; a question looks at everything. Lock order: pages, then ledger; a
/// question takes them one after the other. Threads: any. What changes during a question counts before or after.
/// </remarks>
internal static class PinLedger
{
    private const int ShardCount = 16;

    private static readonly Shard[] Shards = Array.ConvertAll(new int[ShardCount], static _ => new Shard());

    /// <summary>Pages that are pinned; one that is pinned through two mappings counts twice.</summary>
    internal static long TotalPinned => Everything().Sum(pages => pages.Pinned);

    /// <summary>How often a page is pinned.</summary>
    /// <param name="identity">Which page.</param>
    internal static int CountPins(PageIdentity identity) => Everything().Sum(pages => pages.CountPins(identity));

    internal static void Enter(Pages pages)
    {
        int shard = Thread.GetCurrentProcessorId() & (ShardCount - 1);
        pages.Shard = shard;
        Shards[shard].Add(pages);
    }

    internal static void Leave(Pages pages) => Shards[pages.Shard].Remove(pages);

    private static List<Pages> Everything()
    {
        var everything = new List<Pages>();
        foreach (Shard shard in Shards)
        {
            shard.CopyTo(everything);
        }

        return everything;
    }

    private sealed class Shard
    {
        private TurnLock _lock;
        private Pages? _first;

        internal void Add(Pages pages)
        {
            _lock.Enter(LockRank.Ledger);
            Pages? next = _first;
            pages.Next = next;
            pages.Previous = null;
            if (next is not null)
            {
                next.Previous = pages;
            }

            _first = pages;
            _lock.Exit(LockRank.Ledger);
        }

        internal void Remove(Pages pages)
        {
            _lock.Enter(LockRank.Ledger);
            Pages? next = pages.Next;
            Pages? previous = pages.Previous;
            if (next is not null)
            {
                next.Previous = previous;
                pages.Next = null;
            }

            if (previous is null)
            {
                _first = next;
            }
            else
            {
                previous.Next = next;
                pages.Previous = null;
            }

            _lock.Exit(LockRank.Ledger);
        }

        internal void CopyTo(List<Pages> list)
        {
            _lock.Enter(LockRank.Ledger);
            for (Pages? pages = _first; pages is not null; pages = pages.Next)
            {
                list.Add(pages);
            }

            _lock.Exit(LockRank.Ledger);
        }
    }
}
