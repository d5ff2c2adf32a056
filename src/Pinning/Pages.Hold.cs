namespace FastIova;

/// <content>How pages are pinned and given back.</content>
internal sealed partial class Pages
{
    [ThreadStatic]
    private static List<FrameRun>? _scratch;

    /// <summary>Adds a user to pages and pins those that have none yet. The caller holds the lock.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="last">The last page, inclusive.</param>
    /// <param name="charge">Whether the pins are charged; without, they are given back under the same lock.</param>
    /// <returns>The outcome; anything but success has changed nothing.</returns>
    internal PinStatus Hold(ulong first, ulong last, bool charge = true)
    {
        FollowAddress();
        if (charge && TryHoldNow(first, last, out PinStatus status))
        {
            return status;
        }

        status = SplitAt(first) && SplitAt(last + 1) ? PinMissing(first, last) : PinStatus.OutOfMemory;
        if (status == PinStatus.Success && charge && _pinned != _charged)
        {
            status = FaultPoint.Fails() || !_owner.TryCharge(_pinned - _charged) ? PinStatus.OutOfMemory : PinStatus.Success;
            _charged = status == PinStatus.Success ? _pinned : _charged;
        }

        if (status != PinStatus.Success)
        {
            UnpinUnused(first, last);
            return status;
        }

        for (PinnedRange? range = FirstIn(first, last); range is not null; range = After(range, last))
        {
            range.Users++;
        }

        return PinStatus.Success;
    }

    /// <summary>Does <see cref="Hold"/> for the first user of pages whose frames are known: no list, no tree, no system call. The caller holds the lock.</summary>
    /// <returns>False when it is not that easy; nothing has changed then, and <paramref name="status"/> says nothing.</returns>
    internal bool TryHoldNow(ulong first, ulong last, out PinStatus status)
    {
        status = PinStatus.Success;
        FollowAddress();
        if (Kind == PagesKind.Device)
        {
            return true;
        }

        ulong count = last - first + 1;
        if (_pinned != 0 || !_source!.TryPinRun(UserAddress + (first << Frame.PageLg2), first, count, IsWritable, out FrameRun run))
        {
            return false;
        }

        if (FaultPoint.Fails() || !_owner.TryCharge((long)count))
        {
            _source!.Unpin(run);
            status = PinStatus.OutOfMemory;
            return true;
        }

        _only = _spare.Set(first, last, run.First, users: 1);
        _pinned = (long)count;
        _charged = (long)count;
        return true;
    }

    /// <summary>Takes a user away and gives back the pages that have none left. The caller holds the lock. Never fails.</summary>
    /// <param name="first">The first page, as in <see cref="Hold"/> or one of the two parts after <see cref="SplitAt"/>.</param>
    /// <param name="last">The last page, inclusive.</param>
    internal void Release(ulong first, ulong last)
    {
        if (_only is { Users: 1 } only && only.First == first && only.Last == last)
        {
            // Most pages have one user, all at once.
            _only = null;
            _source!.Unpin(only.Run);
            _pinned = 0;
            _owner.PayBack(_charged);
            _charged = 0;
            return;
        }

        PinnedRange? next;
        for (PinnedRange? range = FirstIn(first, last); range is not null; range = next)
        {
            next = After(range, last);
            if (--range.Users == 0)
            {
                Unpin(range);
            }
        }

        if (_pinned < _charged)
        {
            _owner.PayBack(_charged - _pinned);
            _charged = _pinned;
        }
    }

    /// <summary>Lets a range begin at a page, so that a request can end there in two parts. The caller holds the lock.</summary>
    /// <returns>False when there is no memory.</returns>
    internal bool SplitAt(ulong page)
    {
        PinnedRange? range = page == 0 ? null : FirstIn(page, page);
        if (range is null || range.First == page)
        {
            return true;
        }

        if (FaultPoint.Fails())
        {
            return false;
        }

        PinnedRange upper = new PinnedRange().Set(page, range.Last, range.FrameOf(page), range.Users);
        Remove(range);
        Insert(range.Set(range.First, page - 1, range.Start, range.Users));
        Insert(upper);
        return true;
    }

    /// <summary>Pins what no range covers yet; the new ranges have no users.</summary>
    private PinStatus PinMissing(ulong first, ulong last)
    {
        ulong page = first;
        while (true)
        {
            PinnedRange? range = FirstIn(page, last);
            if (range is null || range.First > page)
            {
                PinStatus status = PinHole(page, range is null ? last : range.First - 1);
                if (status != PinStatus.Success)
                {
                    return status;
                }
            }

            if (range is null || range.Last >= last)
            {
                return PinStatus.Success;
            }

            page = range.Last + 1;
        }
    }

    private PinStatus PinHole(ulong first, ulong last)
    {
        if (FaultPoint.Fails())
        {
            return PinStatus.OutOfMemory;
        }

        ulong address = UserAddress + (first << Frame.PageLg2);
        ulong count = last - first + 1;
        if (_source!.TryPinRun(address, first, count, IsWritable, out FrameRun run))
        {
            Add(run);
            return PinStatus.Success;
        }

        List<FrameRun> runs = _scratch ??= [];
        PinStatus status = _source!.Pin(address, first, count, IsWritable, runs);
        if (status == PinStatus.Success)
        {
            foreach (FrameRun part in runs)
            {
                Add(part);
            }
        }

        runs.Clear();
        return status;
    }

    private void Add(FrameRun run)
    {
        _pinned += (long)run.Pages;
        Insert(NewRange().Set(run.FirstPage, run.FirstPage + run.Pages - 1, run.First, users: 0));
    }

    private void Unpin(PinnedRange range)
    {
        Remove(range);
        _source!.Unpin(range.Run);
        _pinned -= (long)(range.Last - range.First + 1);
    }

    private void UnpinUnused(ulong first, ulong last)
    {
        PinnedRange? next;
        for (PinnedRange? range = FirstIn(first, last); range is not null; range = next)
        {
            next = After(range, last);
            if (range.Users == 0)
            {
                Unpin(range);
            }
        }
    }

    private PinnedRange? After(PinnedRange range, ulong last) => range.Last >= last ? null : FirstIn(range.Last + 1, last);
}
