namespace FastIova;

/// <content>How areas come to be.</content>
internal sealed partial class Ioas
{
    /// <summary>Maps memory of a process. Nothing of it is touched unless there is a domain.</summary>
    /// <param name="owner">Whose memory, and who pays for pins.</param>
    /// <param name="userAddress">The first byte.</param>
    /// <param name="length">Bytes, a multiple of the alignment.</param>
    /// <param name="iova">The first iova: as given when it is fixed, else the lowest that fits.</param>
    /// <param name="permission">What devices and accesses may do.</param>
    /// <param name="fixedIova">Whether the iova is given.</param>
    internal IoasStatus Map(PinOwner owner, ulong userAddress, ulong length, ref ulong iova, Permission permission, bool fixedIova)
    {
        if (length > ulong.MaxValue - Frame.PageBytes || length == 0)
        {
            return IoasStatus.Invalid;
        }

        return userAddress + length < userAddress
            ? IoasStatus.Overflow
            : MapSource(owner, owner.Source, userAddress, length, ref iova, permission, fixedIova);
    }

    /// <summary>Maps a part of a file, or of the memory of a device. Nothing of it is touched unless there is a domain.</summary>
    /// <param name="owner">Who pays for pins.</param>
    /// <param name="source">The file or memory; the reference to it is taken over, whatever the outcome.</param>
    /// <param name="start">The first byte; it and the length are checked not to wrap.</param>
    /// <param name="length">Bytes, a multiple of the alignment.</param>
    /// <param name="iova">As in <see cref="Map"/>.</param>
    /// <param name="permission">What devices and accesses may do.</param>
    /// <param name="fixedIova">Whether the iova is given.</param>
    internal IoasStatus MapFile(PinOwner owner, PageSource source, ulong start, ulong length, ref ulong iova, Permission permission, bool fixedIova)
    {
        if (length > ulong.MaxValue - Frame.PageBytes)
        {
            source.Put();
            return IoasStatus.Invalid;
        }

        IoasStatus status = MapSource(owner, source, start, length, ref iova, permission, fixedIova);
        PutDropped();
        return status;
    }

    private IoasStatus MapSource(PinOwner owner, PageSource source, ulong start, ulong length, ref ulong iova, Permission permission, bool fixedIova)
    {
        if (FaultPoint.Fails())
        {
            source.Put();
            return IoasStatus.OutOfMemory;
        }

        EnterToWork();
        IoasStatus status = Place(start, length, ref iova, fixedIova);
        if (status != IoasStatus.Success)
        {
            _lock.Exit();
            source.Put();
            return status;
        }

        Pages pages = _spares.TakePages(owner, source, start, (permission & Permission.Write) != Permission.None);
        status = TryInsert(pages, start - pages.UserAddress, iova, length, permission, out Area area);
        if (status == IoasStatus.Success)
        {
            return FinishOne(area);
        }

        End(pages);
        _lock.Exit();
        return status;
    }

    /// <summary>Maps what another ioas, or this one, has mapped: the same pages, which are not pinned again.</summary>
    /// <param name="source">Where it is mapped.</param>
    /// <param name="sourceIova">The first iova there.</param>
    /// <param name="length">Bytes; every one of them is mapped there.</param>
    /// <param name="iova">As in <see cref="Map"/>.</param>
    /// <param name="permission">What is allowed here; writing only if the memory was mapped for that at first.</param>
    /// <param name="fixedIova">Whether the iova is given.</param>
    internal IoasStatus Copy(Ioas source, ulong sourceIova, ulong length, ref ulong iova, Permission permission, bool fixedIova)
    {
        var slices = new List<PagesSlice>();
        IoasStatus status = source.TakeSlices(sourceIova, length, slices);
        if (status != IoasStatus.Success)
        {
            return status;
        }

        status = MapSlices(slices, length, ref iova, permission, fixedIova);
        foreach (PagesSlice slice in slices)
        {
            slice.Pages.Put();
        }

        PutDropped();

        return status;
    }

    private IoasStatus TakeSlices(ulong iova, ulong length, List<PagesSlice> slices)
    {
        if (length == 0)
        {
            return IoasStatus.Invalid;
        }

        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            return IoasStatus.Overflow;
        }

        _lock.Enter();
        var walk = new AreaWalk(_areas, span);
        bool good = true;
        while (good && walk.TryNext(out Area? area, out IovaSpan part))
        {
            good = !FaultPoint.Fails();
            if (good)
            {
                slices.Add(new PagesSlice(area.Pages.Share(), area.StartByteOf(part.First), part.LengthLessOne + 1));
            }
        }

        _lock.Exit();
        if (good && walk.IsComplete)
        {
            return IoasStatus.Success;
        }

        slices.ForEach(slice => slice.Pages.Put());
        return good ? IoasStatus.NotFound : IoasStatus.OutOfMemory;
    }

    private IoasStatus MapSlices(List<PagesSlice> slices, ulong length, ref ulong iova, Permission permission, bool fixedIova)
    {
        if (FaultPoint.Fails())
        {
            return IoasStatus.OutOfMemory;
        }

        EnterToWork();
        IoasStatus status = Place(slices[0].Pages.UserAddress + slices[0].StartByte, length, ref iova, fixedIova);
        Area? first = null;
        Area? last = null;
        ulong at = iova;
        for (int i = 0; i < slices.Count && status == IoasStatus.Success; i++)
        {
            PagesSlice slice = slices[i];
            status = TryInsert(slice.Pages, slice.StartByte, at, slice.Length, permission, out Area area);
            if (status == IoasStatus.Success)
            {
                slice.Pages.Share();
                last = last is null ? first = area : last.Next = area;
                at += slice.Length;
            }
        }

        if (status == IoasStatus.Success)
        {
            return Finish(first!);
        }

        Drop(first);
        _lock.Exit();
        return status;
    }

    /// <summary>Finds room, or checks the room that is given. The lock is held.</summary>
    private IoasStatus Place(ulong userAddress, ulong length, ref ulong iova, bool fixedIova)
    {
        if ((length & (_alignment - 1)) != 0)
        {
            return IoasStatus.Invalid;
        }

        return fixedIova ? Check(iova, length) : Allocate(userAddress, length, out iova);
    }

    private IoasStatus Check(ulong iova, ulong length)
    {
        if ((iova & (_alignment - 1)) != 0)
        {
            return IoasStatus.Invalid;
        }

        if (!IovaSpan.TryCreate(iova, length, out IovaSpan span))
        {
            return IoasStatus.Overflow;
        }

        return _reserved.Overlaps(span) ? IoasStatus.Invalid
            : _areas.FirstIn(span.First, span.Last) is not null ? IoasStatus.AlreadyMapped
            : IoasStatus.Success;
    }

    /// <summary>Puts an area that is not live yet into the tree. The lock is held. It takes over the caller's reference to the pages.</summary>
    private IoasStatus TryInsert(Pages pages, ulong startByte, ulong iova, ulong length, Permission permission, out Area area)
    {
        area = null!;
        if ((permission & Permission.Write) != Permission.None && !pages.IsWritable)
        {
            return IoasStatus.NotPermitted;
        }

        if ((startByte & (Frame.PageBytes - 1) & (_alignment - 1)) != 0)
        {
            return IoasStatus.Invalid;
        }

        if (FaultPoint.Fails() || Mappings?.TryTake(1) == false)
        {
            return IoasStatus.OutOfMemory;
        }

        area = _spares.TakeArea().Set(iova, iova + (length - 1), pages, startByte, permission);
        _areas.Insert(area.First, area.Last, area);
        if (pages.Kind == PagesKind.Device)
        {
            pages.Source.CountUser(this, isNew: true);
        }

        return IoasStatus.Success;
    }

    /// <summary>Fills the domains with one new area, under the lock if that takes no time, and makes it live or drops it. The lock is held, and given back.</summary>
    private IoasStatus FinishOne(Area area)
    {
        if (_domains.Length == 0 || !TryFillNow(area, out IoasStatus status))
        {
            return Finish(area);
        }

        if (status == IoasStatus.Success)
        {
            area.IsLive = true;
        }
        else
        {
            Drop(area);
        }

        _lock.Exit();
        return status;
    }

    /// <summary>Fills the domains with new areas and makes them live, or drops them. The lock is held, and given back.</summary>
    private IoasStatus Finish(Area first)
    {
        if (_domains.Length == 0)
        {
            MakeLive(first);
            _lock.Exit();
            return IoasStatus.Success;
        }

        GoUnderway();
        IoasStatus status = FillAll(first);
        ComeBack();
        if (status == IoasStatus.Success)
        {
            MakeLive(first);
        }
        else
        {
            Drop(first);
        }

        ExitFromWork();
        return status;
    }

    private static void MakeLive(Area? area)
    {
        while (area is not null)
        {
            Area? next = area.Next;
            area.Next = null;
            area.IsLive = true;
            area = next;
        }
    }

    /// <summary>Takes areas that are mapped in no domain out of the tree, and gives their pages back. The lock is held.</summary>
    private void Drop(Area? area)
    {
        while (area is not null)
        {
            Area? next = area.Next;
            _areas.Remove(area.First);
            Mappings?.GiveBack(1);
            if (area.Pages.Kind == PagesKind.Device)
            {
                area.Pages.Source.CountUser(this, isNew: false);
            }

            End(area.Pages);
            _spares.Return(area);
            area = next;
        }
    }

    /// <summary>A slice of pages, with a reference.</summary>
    private readonly record struct PagesSlice(Pages Pages, ulong StartByte, ulong Length);
}
