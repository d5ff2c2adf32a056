namespace FastIova;

/// <content>What accesses do.</content>
internal sealed partial class Ioas
{
    /// <summary>Adds an access; its alignment is then asked of every mapping.</summary>
    internal IoasStatus AddAccess(IoasAccess access)
    {
        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        EnterAlone();
        IoasAccess[] before = _accesses;
        Volatile.Write(ref _accesses, [.. before, access]);
        IoasStatus status = TryAlign() ? IoasStatus.Success : IoasStatus.AddressInUse;
        if (status != IoasStatus.Success)
        {
            Volatile.Write(ref _accesses, before);
        }

        ExitAlone();
        return status;
    }

    /// <summary>Takes an access away, which has given its pins back. Never fails.</summary>
    internal void RemoveAccess(IoasAccess access)
    {
        EnterAlone();
        Volatile.Write(ref _accesses, [.. _accesses.Where(a => a != access)]);
        _ = TryAlign();
        ExitAlone();
    }

    /// <summary>Pins for an access: all or nothing.</summary>
    internal IoasStatus PinFor(IovaSpan span, bool write, Span<Frame> frames)
    {
        _lock.Enter();
        var walk = new AreaWalk(_areas, span);
        IoasStatus status = IoasStatus.Success;
        int done = 0;
        ulong at = span.First;
        while (walk.TryNext(out Area? area, out IovaSpan part))
        {
            status = Pin(area, part, walk.IsComplete, write, frames[done..], out int pinned);
            if (status != IoasStatus.Success)
            {
                break;
            }

            done += pinned;
            at = walk.At;
        }

        if (status == IoasStatus.Success && !walk.IsComplete)
        {
            status = IoasStatus.NotFound;
            at = walk.At;
        }

        if (status != IoasStatus.Success && at > span.First)
        {
            Unpin(new IovaSpan(span.First, at - 1));
        }

        _lock.Exit();
        return status;
    }

    /// <summary>Gives the pins of an access back.</summary>
    internal void UnpinFor(IovaSpan span)
    {
        _lock.Enter();
        Unpin(span);
        _lock.Exit();
    }

    /// <summary>Copies for an access.</summary>
    internal IoasStatus CopyFor(IovaSpan span, CpuCopy copy, MemorySpace? current)
    {
        _lock.Enter();
        var walk = new AreaWalk(_areas, span);
        IoasStatus status = IoasStatus.Success;
        while (status == IoasStatus.Success && walk.TryNext(out Area? area, out IovaSpan part))
        {
            status = MayCopy(area, copy.Access);
            if (status == IoasStatus.Success)
            {
                CpuCopy bytes = copy.Slice((int)(part.First - span.First), (int)part.LengthLessOne + 1);
                status = StatusOf(area.Pages.Copy(area.StartByteOf(part.First), bytes, current));
            }
        }

        status = status == IoasStatus.Success && !walk.IsComplete ? IoasStatus.NotFound : status;
        _lock.Exit();
        return status;
    }

    private static IoasStatus MayCopy(Area area, Permission access) =>
        area.PreventsAccess ? IoasStatus.Invalid
        : (area.Permission & access) == Permission.None ? IoasStatus.NotPermitted
        : access == Permission.Write && !area.Pages.IsWritable ? IoasStatus.NotPermitted
        : IoasStatus.Success;

    private static IoasStatus Pin(Area area, IovaSpan part, bool isLastPart, bool write, Span<Frame> frames, out int pinned)
    {
        pinned = 0;

        // Only the last part may end inside a page: what follows it would begin inside one.
        const ulong offset = Frame.PageBytes - 1;
        if (area.PreventsAccess
            || (area.StartByteOf(part.First) & offset) != 0
            || (!isLastPart && (area.StartByteOf(area.Last) & offset) != offset))
        {
            return IoasStatus.Invalid;
        }

        if ((area.Permission & (write ? Permission.Write : Permission.Read)) == Permission.None || (write && !area.Pages.IsWritable))
        {
            return IoasStatus.NotPermitted;
        }

        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        Pages pages = area.Pages;
        ulong first = area.PageOf(part.First);
        ulong last = area.PageOf(part.Last);
        pages.Enter();
        PinStatus status = pages.Hold(first, last);
        for (ulong page = first; status == PinStatus.Success && page <= last;)
        {
            FrameRun run = pages.RunAt(page, last);
            for (ulong i = 0; i < run.Pages; i++)
            {
                frames[pinned++] = run.First.Next(i);
            }

            page += run.Pages;
        }

        pages.Exit();
        area.Accesses += status == PinStatus.Success ? 1 : 0;
        return StatusOf(status);
    }

    private void Unpin(IovaSpan span)
    {
        var walk = new AreaWalk(_areas, span);
        while (walk.TryNext(out Area? area, out IovaSpan part))
        {
            area.Pages.Enter();
            area.Pages.Release(area.PageOf(part.First), area.PageOf(part.Last));
            area.Pages.Exit();
            area.Accesses--;
        }
    }
}
