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
        IoasStatus status = PinAll(span, write, isLocked: false);
        if (status == IoasStatus.Success)
        {
            List(span, frames);
        }

        _lock.Exit();
        return status;
    }

    /// <summary>Pins for an access that cannot be asked back: all of it, as one piece of the machine's memory, or nothing.</summary>
    /// <param name="span">What to pin.</param>
    /// <param name="first">The frame of the first page; the others follow it.</param>
    /// <returns><see cref="IoasStatus.BadAddress"/> also when the frames do not follow each other.</returns>
    internal IoasStatus LockFor(IovaSpan span, out Frame first)
    {
        first = default;
        _lock.Enter();
        IoasStatus status = PinAll(span, write: false, isLocked: true);
        if (status == IoasStatus.Success && !IsOnePiece(span, out first))
        {
            Unpin(span, isLocked: true);
            status = IoasStatus.BadAddress;
        }

        _lock.Exit();
        return status;
    }

    /// <summary>Gives the pins of an access back.</summary>
    /// <param name="span">As it was pinned.</param>
    /// <param name="isLocked">Whether by <see cref="LockFor"/>.</param>
    internal void UnpinFor(IovaSpan span, bool isLocked = false)
    {
        _lock.Enter();
        Unpin(span, isLocked);
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
            status = status == IoasStatus.Success && area.Pages.Kind == PagesKind.Device ? IoasStatus.Invalid : status;
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

    private void List(IovaSpan span, Span<Frame> frames)
    {
        int done = 0;
        var walk = new AreaWalk(_areas, span);
        while (walk.TryNext(out Area? area, out IovaSpan part))
        {
            ulong last = area.PageOf(part.Last);
            area.Pages.Enter();
            for (ulong page = area.PageOf(part.First); page <= last;)
            {
                FrameRun run = area.Pages.RunAt(page, last);
                for (ulong i = 0; i < run.Pages; i++)
                {
                    frames[done++] = run.First.Next(i);
                }

                page += run.Pages;
            }

            area.Pages.Exit();
        }
    }

    /// <summary>Pins every area of a span, or none. The lock is held.</summary>
    private IoasStatus PinAll(IovaSpan span, bool write, bool isLocked)
    {
        var walk = new AreaWalk(_areas, span);
        IoasStatus status = IoasStatus.Success;
        ulong at = span.First;
        while (walk.TryNext(out Area? area, out IovaSpan part))
        {
            status = Pin(area, part, walk.IsComplete, write, isLocked);
            if (status != IoasStatus.Success)
            {
                break;
            }

            at = walk.At;
        }

        if (status == IoasStatus.Success && !walk.IsComplete)
        {
            status = IoasStatus.NotFound;
            at = walk.At;
        }

        if (status != IoasStatus.Success && at > span.First)
        {
            Unpin(new IovaSpan(span.First, at - 1), isLocked);
        }

        return status;
    }

    private static IoasStatus Pin(Area area, IovaSpan part, bool isLastPart, bool write, bool isLocked)
    {
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

        if (area.Pages.Kind == PagesKind.Device)
        {
            return IoasStatus.Invalid;
        }

        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        area.Pages.Enter();
        PinStatus status = area.Pages.Hold(area.PageOf(part.First), area.PageOf(part.Last));
        area.Pages.Exit();
        if (status == PinStatus.Success)
        {
            area.Accesses++;
            area.Locks += isLocked ? 1 : 0;
        }

        return StatusOf(status);
    }

    /// <summary>Whether the frames of a pinned span follow each other in the machine's memory. The lock is held.</summary>
    private bool IsOnePiece(IovaSpan span, out Frame first)
    {
        first = default;
        Frame? before = null;
        bool isOnePiece = true;
        var walk = new AreaWalk(_areas, span);
        while (isOnePiece && walk.TryNext(out Area? area, out IovaSpan part))
        {
            ulong last = area.PageOf(part.Last);
            area.Pages.Enter();
            for (ulong page = area.PageOf(part.First); isOnePiece && page <= last;)
            {
                FrameRun run = area.Pages.RunAt(page, last);
                isOnePiece = (before is not { } end || Contiguity.Follows(end, run.First)) && Contiguity.IsOnePiece(run);
                first = before is null ? run.First : first;
                before = run.First.Next(run.Pages - 1);
                page += run.Pages;
            }

            area.Pages.Exit();
        }

        return isOnePiece;
    }

    private void Unpin(IovaSpan span, bool isLocked)
    {
        var walk = new AreaWalk(_areas, span);
        while (walk.TryNext(out Area? area, out IovaSpan part))
        {
            area.Pages.Enter();
            area.Pages.Release(area.PageOf(part.First), area.PageOf(part.Last));
            area.Pages.Exit();
            area.Accesses--;
            area.Locks -= isLocked ? 1 : 0;
        }
    }
}
