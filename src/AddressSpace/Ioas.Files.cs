namespace FastIova;

/// <content>Pages that are no process's: files, and the memory of devices.</content>
internal sealed partial class Ioas
{
    // Pages of files and devices that lost their last area, by their links: closing a file takes time, so it is done without the lock.
    private Pages? _dropped;

    /// <summary>Takes a device's memory out of every domain; its areas stay, and nothing is behind them.</summary>
    public void Revoke(PageSource source)
    {
        Span<IovaSpan> spans = stackalloc IovaSpan[SpansAtOnce];
        EnterAlone();
        int count = 0;
        for (Area? area = _areas.FirstOfAll(); area is not null; area = _areas.After(area.Last))
        {
            if (area.IsHeld && area.Pages.Source == source)
            {
                spans[count++] = area.Span;
                if (count == spans.Length)
                {
                    UnmapOrder.Unmap(_domains, spans);
                    count = 0;
                }
            }
        }

        if (count != 0)
        {
            UnmapOrder.Unmap(_domains, spans[..count]);
        }

        ExitAlone();
    }

    /// <summary>Whether memory of a device is mapped at an iova.</summary>
    internal bool IsDeviceMemory(ulong iova)
    {
        _lock.Enter();
        bool isDevice = _areas.FirstIn(iova, iova) is { IsLive: true, Pages.Kind: PagesKind.Device };
        _lock.Exit();
        return isDevice;
    }

    /// <summary>Collects the pages of all areas, each once and with a reference, if all of them are of files.</summary>
    /// <param name="pages">Receives them; also on a failure.</param>
    internal IoasStatus TakeFilePages(HashSet<Pages> pages)
    {
        IoasStatus status = FaultPoint.Fails() ? IoasStatus.OutOfMemory : IoasStatus.Success;
        _lock.Enter();
        for (Area? area = _areas.FirstOfAll(); area is not null && status == IoasStatus.Success; area = _areas.After(area.Last))
        {
            status = !area.IsLive ? IoasStatus.Busy
                : area.Pages.Kind != PagesKind.File ? IoasStatus.Invalid
                : IoasStatus.Success;
            if (status == IoasStatus.Success && pages.Add(area.Pages))
            {
                area.Pages.Share();
            }
        }

        _lock.Exit();
        return status;
    }

    /// <summary>Ends a reference of an area. The lock is held; <see cref="PutDropped"/> comes after it is given back.</summary>
    private void End(Pages pages)
    {
        if (pages.Kind == PagesKind.Memory)
        {
            _spares.End(pages);
        }
        else if (pages.TryEnd())
        {
            pages.NextDropped = _dropped;
            Volatile.Write(ref _dropped, pages);
        }
    }

    /// <summary>Ends what was dropped. Without the lock.</summary>
    private void PutDropped()
    {
        Pages? next = Volatile.Read(ref _dropped) is null ? null : TakeDropped();
        while (next is { } pages)
        {
            next = pages.NextDropped;
            pages.Discard();
        }
    }

    private Pages? TakeDropped()
    {
        _lock.Enter();
        Pages? dropped = _dropped;
        _dropped = null;
        _lock.Exit();
        return dropped;
    }
}
