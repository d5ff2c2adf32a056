namespace FastIova;

/// <summary>Pages that are charged to somebody: a process or a user. Zero when nobody holds a pin.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class MemoryTally
{
    private long _pinned;
    private long _locked;

    /// <summary>Pages that are pinned, whatever they are charged to (VmPin).</summary>
    internal long PinnedPages => Interlocked.Read(ref _pinned);

    /// <summary>Pages that count against the limit of locked memory (VmLck, or the user's).</summary>
    internal long LockedPages => Interlocked.Read(ref _locked);

    /// <summary>What limits the pinned pages besides; null for nothing.</summary>
    internal Quota? Pins { get; init; }

    /// <summary>Counts pinned pages, unless that would pass a limit.</summary>
    /// <returns>False when it would.</returns>
    internal bool TryAddPinned(long pages)
    {
        if (!TryTakeQuota(pages))
        {
            return false;
        }

        Interlocked.Add(ref _pinned, pages);
        return true;
    }

    /// <summary>Takes pinned pages out of the quota that are counted elsewhere.</summary>
    /// <returns>False when it has not so many left.</returns>
    internal bool TryTakeQuota(long pages) => Pins?.TryTake(pages) != false;

    /// <summary>Gives them back.</summary>
    internal void GiveBackQuota(long pages) => Pins?.GiveBack(pages);

    /// <summary>Counts pages that are no longer pinned; negative ones are pinned, whatever the limit.</summary>
    internal void RemovePinned(long pages)
    {
        GiveBackQuota(pages);
        Interlocked.Add(ref _pinned, -pages);
    }

    /// <summary>Charges pages unless that would pass a limit.</summary>
    /// <param name="pages">How many.</param>
    /// <param name="limitPages">The limit; <see cref="long.MaxValue"/> for none.</param>
    /// <returns>False when it would; nothing is charged then.</returns>
    internal bool TryLock(long pages, long limitPages)
    {
        long now = Interlocked.Read(ref _locked);
        while (true)
        {
            if (now + pages > limitPages)
            {
                return false;
            }

            long seen = Interlocked.CompareExchange(ref _locked, now + pages, now);
            if (seen == now)
            {
                return true;
            }

            now = seen;
        }
    }

    /// <summary>Pays charged pages back.</summary>
    internal void Unlock(long pages) => Interlocked.Add(ref _locked, -pages);
}
