namespace FastIova;

/// <summary>Memory objects behind the shared memory of clients, each opened once: a file, a memory file, shared anonymous memory, huge pages.</summary>
/// <remarks>
/// <para>Invariant: an object stays open while a page of it is pinned, and while it is mapped as a file. Those that were found
/// behind mappings are kept for the next pin until a process ends, unless they hold huge pages.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed partial class BackingObjects : IDisposable
{
    private const int UnpinnedLast = 32;

    private readonly Dictionary<(ulong Device, ulong Inode), BackingObject> _objects = [];
    private readonly SortedList<ulong, (FileWindow Window, BackingObject Owner)> _windows = [];
    private readonly Lock _lock = new();

    /// <summary>Whether this process may open the objects of mappings (<c>/proc/PID/map_files</c>): usually the right of root only.</summary>
    internal static bool OpensMapFiles { get; } = ProbeMapFiles();

    /// <summary>The objects that are open.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _objects.Count;
            }
        }
    }

    /// <summary>Takes a memory file that a client mapped in the place of shared anonymous memory.</summary>
    /// <param name="lent">The client's descriptor, as it was passed.</param>
    /// <param name="lender">The process that lends it; disposed here in any case.</param>
    /// <param name="user">Its user.</param>
    /// <param name="quota">What it is a file of, until it is closed.</param>
    /// <returns>False when it is no memory that this process may write, or there are too many.</returns>
    internal bool TryLend(Descriptor lent, ProcessHandle lender, uint user, Quota quota)
    {
        if (lent.Facts is not { } facts || !lent.IsMemory(facts, out _) || !lent.ReadsAndWrites || !quota.TryTake(1))
        {
            lender.Dispose();
            return false;
        }

        var key = (facts.Device, facts.Inode);
        Descriptor? own = Descriptor.TryDuplicate(lent.Number);
        lock (_lock)
        {
            if (own is not null && !_objects.ContainsKey(key))
            {
                _objects.Add(key, new BackingObject(this, own, isWritable: true, lender) { Key = key, LenderUser = user, LentQuota = quota });
                return true;
            }
        }

        bool isThere = own is not null;
        own?.Dispose();
        lender.Dispose();
        quota.GiveBack(1);
        return isThere;
    }

    /// <summary>Pins pages of an object.</summary>
    /// <param name="region">A shared mapping of a process.</param>
    /// <param name="process">The process.</param>
    /// <param name="offset">The offset in the object of the first page.</param>
    /// <param name="firstPage">The index of the first page in the runs.</param>
    /// <param name="pages">How many, inside the region.</param>
    /// <param name="write">Whether they must be writable.</param>
    /// <param name="reachesDevices">Whether memory of devices that is mapped may be pinned, too.</param>
    /// <param name="runs">Receives the frames.</param>
    /// <returns>Null when the object cannot be opened: its pages are reached through the process then.</returns>
    internal PinStatus? TryPin(in MemoryRegion region, int process, ulong offset, ulong firstPage, ulong pages, bool write, bool reachesDevices, List<FrameRun> runs)
    {
        int before = runs.Count;
        BackingObject? found;
        PinStatus status;
        lock (_lock)
        {
            if (!reachesDevices && _ofDevices.ContainsKey((region.Device, region.Inode)))
            {
                return PinStatus.BadAddress;
            }

            found = Find(region, process, write);
            if (found is null || (write && !found.MapsWritable))
            {
                return null;
            }

            status = Pin(found, region.PageBytes, offset, firstPage, pages, write, runs);
        }

        if (status == PinStatus.Success && !TryPopulate(runs, before, write))
        {
            status = PinStatus.BadAddress;
        }

        if (status != PinStatus.Success)
        {
            TakeBack(found, runs, before);
        }

        return status;
    }

    /// <summary>Gives pages back.</summary>
    internal void Unpin(FrameRun run)
    {
        lock (_lock)
        {
            // The last window that begins at or below the frame.
            IList<ulong> starts = _windows.Keys;
            int low = 0;
            int high = starts.Count;
            while (low < high)
            {
                int middle = (low + high) >>> 1;
                if (starts[middle] <= run.First.Host)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }

            BackingObject owner = _windows.GetValueAtIndex(low - 1).Owner;
            owner.PinnedPages -= run.Pages;
            CloseIfScarce(owner);
        }
    }

    /// <summary>Gives pages of an object back.</summary>
    internal void Unpin(BackingObject owner, ulong pages)
    {
        lock (_lock)
        {
            owner.PinnedPages -= pages;
            CloseIfScarce(owner);
        }
    }

    /// <summary>A process is gone: closes what only it could still need, and what can be opened again.</summary>
    /// <param name="hasClients">Whether a user has clients, which may still map what was lent.</param>
    internal void Trim(Func<uint, bool> hasClients)
    {
        lock (_lock)
        {
            foreach (((ulong Device, ulong Inode) key, BackingObject unpinned) in _objects.Where(entry => entry.Value is { PinnedPages: 0, Users: 0 }).ToArray())
            {
                if (unpinned.Lender is null || (!unpinned.Lender.IsRunning && !hasClients(unpinned.LenderUser)))
                {
                    Close(key, unpinned);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (((ulong Device, ulong Inode) key, BackingObject open) in _objects.ToArray())
            {
                Close(key, open);
            }
        }
    }

    private static bool ProbeMapFiles()
    {
        // The first mapping of this process that has a file: its entry can be listed by anybody and opened by few.
        string? entry = Directory.Exists("/proc/self/map_files") ? Directory.EnumerateFileSystemEntries("/proc/self/map_files").FirstOrDefault() : null;
        using Descriptor? opened = entry is null ? null : Descriptor.TryOpen(entry, write: false);
        return opened is not null;
    }

    private BackingObject? Find(in MemoryRegion region, int process, bool write)
    {
        (ulong Device, ulong Inode) key = (region.Device, region.Inode);
        if (_objects.TryGetValue(key, out BackingObject? known) && (known.IsWritable || !write))
        {
            return known;
        }

        if (BackingObject.TryOpen(this, region, process) is not { } opened)
        {
            return null;
        }

        if (known is not null)
        {
            // It was opened for reading only before; windows that are pinned stay with it.
            known.Reopen(opened);
            return known;
        }

        if (_objects.Count >= UnpinnedLast)
        {
            foreach (((ulong Device, ulong Inode) old, BackingObject unpinned) in _objects.Where(entry => entry.Value is { PinnedPages: 0, Users: 0, Lender: null }).Take(UnpinnedLast / 2).ToArray())
            {
                Close(old, unpinned);
            }
        }

        _objects[key] = opened;
        return opened;
    }

    private PinStatus Pin(BackingObject found, ulong pageBytes, ulong offset, ulong firstPage, ulong pages, bool write, List<FrameRun> runs)
    {
        ulong end = offset + (pages << Frame.PageLg2);
        ulong length = (found.Length + pageBytes - 1) & ~(pageBytes - 1);
        if (end < offset || end > length)
        {
            return PinStatus.BadAddress;
        }

        while (offset < end)
        {
            if (found.WindowAt(offset, pageBytes, length, write, out bool isNew) is not { } window)
            {
                return PinStatus.OutOfMemory;
            }

            if (isNew)
            {
                _windows.Add(window.Address, (window, found));
            }

            ulong bytes = Math.Min(end, window.Offset + window.Bytes) - offset;
            ulong address = window.Address + (offset - window.Offset);
            ulong count = bytes >> Frame.PageLg2;
            runs.Add(new FrameRun(firstPage, count, Frame.OfHost(address)));
            found.PinnedPages += count;
            firstPage += count;
            offset += bytes;
        }

        return PinStatus.Success;
    }

    // Huge pages are few, and whoever unmapped them may want them back at once.
    private void CloseIfScarce(BackingObject unpinned)
    {
        if (unpinned is { PinnedPages: 0, Users: 0, IsScarce: true, Lender: null, Key: var key })
        {
            Close(key, unpinned);
        }
    }

    // Pinned already, so that nobody closes the object; not under the lock, because this is where the time goes.
    private static bool TryPopulate(List<FrameRun> runs, int before, bool write)
    {
        for (int i = before; i < runs.Count; i++)
        {
            if (!ProcessMemory.TryPopulate(runs[i].First.Host, runs[i].Pages << Frame.PageLg2, write))
            {
                return false;
            }
        }

        return true;
    }

    private void TakeBack(BackingObject found, List<FrameRun> runs, int before)
    {
        lock (_lock)
        {
            for (int i = before; i < runs.Count; i++)
            {
                found.PinnedPages -= runs[i].Pages;
            }

            CloseIfScarce(found);
        }

        runs.RemoveRange(before, runs.Count - before);
    }

    private void Close((ulong Device, ulong Inode) key, BackingObject open)
    {
        _objects.Remove(key);
        foreach (FileWindow window in open.Windows)
        {
            _windows.Remove(window.Address);
        }

        open.Dispose();
    }
}
