namespace FastIova;

/// <summary>The operations on mock devices and their domains.</summary>
internal static class MockOrders
{
    // 16 MiB of bitmap.
    private const ulong DirtyPagesMost = 1UL << 27;

    /// <summary>Makes a mock device, binds it and attaches it.</summary>
    internal static Errno Create(in IoctlCall call, ref TestCommand command, uint flags)
    {
        var mock = new MockObject(call.Context);
        Errno errno = call.Objects.Reserve(mock);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = mock.Bind(flags, call.Context.Engine.Options.Level);
        if (errno == Errno.Success)
        {
            uint hwptId = command.Id;
            errno = mock.Attach(ref hwptId);
            if (errno == Errno.Success)
            {
                command.MockDomain.OutHwptId = hwptId;
                command.MockDomain.OutStdevId = mock.Id;
                command.MockDomain.OutIdevId = mock.DeviceId;
                errno = call.Respond();
            }
        }

        if (errno == Errno.Success)
        {
            call.Objects.Publish(mock);
        }
        else
        {
            mock.End();
            call.Objects.Forget(mock);
        }

        return errno;
    }

    /// <summary>Attaches a mock device elsewhere.</summary>
    internal static Errno Replace(in IoctlCall call, ref TestCommand command)
    {
        Errno errno = call.Objects.Get(command.Id, out MockObject? mock);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = mock!.Replace(ref command.MockDomainReplace.PtId);
        if (errno == Errno.Success)
        {
            errno = call.Respond();
        }

        mock.LetGo();
        return errno;
    }

    /// <summary>Attaches a PASID of a mock device, here or elsewhere.</summary>
    internal static Errno AttachPasid(in IoctlCall call, ref TestCommand command, bool isReplace)
    {
        Errno errno = call.Objects.Get(command.Id, out MockObject? mock);
        if (errno != Errno.Success)
        {
            return errno;
        }

        ref TestPasidAttach order = ref command.PasidAttach;
        errno = isReplace ? mock!.Replace(ref order.PtId, order.Pasid) : mock!.Attach(ref order.PtId, order.Pasid);
        if (errno == Errno.Success)
        {
            errno = call.Respond();
            if (errno != Errno.Success && !isReplace)
            {
                mock.Detach(order.Pasid);
            }
        }

        mock.LetGo();
        return errno;
    }

    /// <summary>Detaches a PASID of a mock device.</summary>
    internal static Errno DetachPasid(in IoctlCall call, in TestCommand command)
    {
        Errno errno = call.Objects.Get(command.Id, out MockObject? mock);
        if (errno == Errno.Success)
        {
            mock!.Detach(command.PasidDetach.Pasid);
            mock.LetGo();
        }

        return errno;
    }

    /// <summary>Compares what a PASID of a mock device is attached to.</summary>
    internal static Errno CheckPasid(in IoctlCall call, in TestCommand command)
    {
        Errno errno = call.Objects.Get(command.Id, out MockObject? mock);
        if (errno != Errno.Success)
        {
            return errno;
        }

        UapiObject? target = null;
        uint hwptId = command.PasidCheck.HwptId;
        errno = hwptId == 0 ? Errno.Success : call.Objects.Get(hwptId, out target);
        if (errno == Errno.Success)
        {
            HardwareDomain? expected = (target as Hwpt)?.HardwareDomain;
            errno = (target is null || expected is not null) && mock!.DomainOf(command.PasidCheck.Pasid) == expected ? Errno.Success : Errno.Invalid;
            target?.LetGo();
        }

        mock!.LetGo();
        return errno;
    }

    /// <summary>Compares a cached entry of a nested domain.</summary>
    internal static Errno CheckIotlb(in IoctlCall call, uint hwptId, in TestCheckIotlb check)
    {
        Errno errno = call.Objects.Get(hwptId, out NestedHwpt? hwpt);
        if (errno != Errno.Success)
        {
            return errno;
        }

        bool isEqual = hwpt!.Domain is MockNestedDomain nested && nested.Holds(check.Id, check.Iotlb);
        hwpt.LetGo();
        return isEqual ? Errno.Success : Errno.Invalid;
    }

    /// <summary>Finds the hwpt of a mock paging domain, and holds it.</summary>
    internal static Errno Get(in IoctlCall call, uint hwptId, out PagingHwpt? hwpt)
    {
        Errno errno = call.Objects.Get(hwptId, out hwpt);
        if (errno == Errno.Success && hwpt!.Domain is not MockDomain)
        {
            hwpt.LetGo();
            hwpt = null;
            return Errno.Invalid;
        }

        return errno;
    }

    /// <summary>Marks the pages of a bitmap as written, as if a device had written them.</summary>
    internal static Errno MarkDirty(in IoctlCall call, ref TestCommand command)
    {
        ref TestDirty order = ref command.Dirty;
        ulong pageSize = order.PageSize;
        if (pageSize == 0 || order.Length == 0 || order.Iova % pageSize != 0 || order.Length % pageSize != 0 || order.Uptr == 0)
        {
            return Errno.Invalid;
        }

        if (order.Length / pageSize > DirtyPagesMost)
        {
            return Errno.Overflow;
        }

        Errno errno = Get(call, command.Id, out PagingHwpt? hwpt);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = MarkDirty(call.Caller.Memory, (MockDomain)hwpt!.Domain, ref order);
        if (errno == Errno.Success)
        {
            errno = call.Respond();
        }

        hwpt.LetGo();
        return errno;
    }

    /// <summary>Lets a device ask for a page.</summary>
    internal static Errno Fault(in IoctlCall call, in TestTriggerIopf order)
    {
        Errno errno = call.Objects.Get(order.DevId, out DeviceObject? device);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (device!.Hardware is MockDevice)
        {
            PageFaultFlags flags = PageFaultFlags.LastPage | (order.Pasid == 0 ? PageFaultFlags.None : PageFaultFlags.PasidValid);

            // Whether anybody takes the fault is no concern of the one who triggers it.
            _ = device.Hardware.Report(new PageFault(flags, order.Pasid, order.GrpId, (PageFaultPermission)order.Perm, order.Addr));
        }
        else
        {
            errno = Errno.Invalid;
        }

        device.LetGo();
        return errno;
    }

    private static Errno MarkDirty(MemorySpace memory, MockDomain domain, ref TestDirty order)
    {
        if (!domain.Table.TracksDirty)
        {
            return Errno.Invalid;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        ulong pages = order.Length / order.PageSize;
        byte[] bitmap = new byte[(pages + 7) / 8];
        if (!memory.TryRead(order.Uptr, bitmap))
        {
            return Errno.BadAddress;
        }

        ulong marked = 0;
        for (ulong page = 0; page < pages; page++)
        {
            if ((bitmap[page / 8] & (1 << (int)(page % 8))) != 0)
            {
                // Linux 6.12 counts its pages in the caller's unit: with another size than 2 KiB it marks elsewhere.
                ulong iova = order.Iova + (page * order.PageSize);
                bool isMarked = domain.MarkDirty(domain.CountsOrders ? iova : iova / order.PageSize * TestConstants.MockPageBytes);
                marked += isMarked || domain.CountsOrders ? 1UL : 0;
            }
        }

        order.OutNrDirty = marked;
        return Errno.Success;
    }
}
