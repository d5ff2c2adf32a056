namespace FastIova;

/// <content>Areas that are cut in two, and the option without which they may be.</content>
internal sealed partial class Ioas
{
    /// <summary>Whether everything is mapped in small pages, so that areas can be cut while they are mapped.</summary>
    internal bool IsLargePagesDisabled => Volatile.Read(ref _noLargePages);

    /// <summary>Maps in small pages from here on.</summary>
    internal IoasStatus DisableLargePages()
    {
        IoasStatus status = IoasStatus.Success;
        EnterAlone();
        if (!_noLargePages)
        {
            if (_domains.Length != 0 && _areas.Count != 0)
            {
                status = IoasStatus.Invalid;
            }
            else
            {
                _noLargePages = true;
                if (!TryAlign())
                {
                    _noLargePages = false;
                    status = IoasStatus.AddressInUse;
                }
            }
        }

        ExitAlone();
        return status;
    }

    /// <summary>Maps in the largest pages that fit from here on.</summary>
    internal void EnableLargePages()
    {
        EnterAlone();
        _noLargePages = false;
        _ = TryAlign();
        ExitAlone();
    }

    /// <summary>Cuts areas, each behind an iova; neither pages nor domains notice. Those before one that cannot be cut stay cut.</summary>
    /// <param name="iovas">The last iova of the lower part. One that no area has, or that begins or ends one, cuts nothing.</param>
    internal IoasStatus Cut(ReadOnlySpan<ulong> iovas)
    {
        IoasStatus status = IoasStatus.Success;
        EnterToWork();
        for (int i = 0; i < iovas.Length && status == IoasStatus.Success; i++)
        {
            if (_areas.FirstIn(iovas[i], iovas[i]) is { } area && iovas[i] != area.First && iovas[i] != area.Last)
            {
                status = Cut(area, iovas[i]);
            }
        }

        _lock.Exit();
        return status;
    }

    private IoasStatus Cut(Area area, ulong lowerLast)
    {
        if (!area.IsLive || area.PreventsAccess)
        {
            return IoasStatus.Busy;
        }

        if (area.Pages.Kind == PagesKind.Device)
        {
            return IoasStatus.NotSupported;
        }

        ulong upperFirst = lowerLast + 1;
        if (((upperFirst | area.StartByteOf(upperFirst)) & (_alignment - 1)) != 0)
        {
            return IoasStatus.Invalid;
        }

        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        // Which part a pin belongs to is not known, and a large page cannot belong to both.
        if (area.Accesses != 0 || (area.IsHeld && !_noLargePages))
        {
            return IoasStatus.Invalid;
        }

        Pages pages = area.Pages;
        if (area.IsHeld)
        {
            pages.Enter();
            bool split = pages.SplitAt(area.PageOf(upperFirst));
            pages.Exit();
            if (!split)
            {
                return IoasStatus.OutOfMemory;
            }
        }

        if (Mappings?.TryTake(1) == false)
        {
            return IoasStatus.OutOfMemory; // a split range of pins stays split, which nobody can tell
        }

        Area upper = _spares.TakeArea().Set(upperFirst, area.Last, pages.Share(), area.StartByteOf(upperFirst), area.Permission);
        upper.IsLive = true;
        upper.IsHeld = area.IsHeld;
        Area lower = _spares.TakeArea().Set(area.First, lowerLast, pages, area.StartByte, area.Permission);
        lower.IsLive = true;
        lower.IsHeld = area.IsHeld;
        _areas.Remove(area.First);
        _areas.Insert(lower.First, lower.Last, lower);
        _areas.Insert(upper.First, upper.Last, upper);
        _spares.Return(area);
        return IoasStatus.Success;
    }
}
