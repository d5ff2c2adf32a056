using System.Runtime.InteropServices;

namespace FastIova;

/// <content>VFIO_IOMMU_MAP_DMA: new mappings, and new addresses of suspended ones.</content>
internal sealed partial class Type1Iommu
{
    private static readonly Func<long> NoLimit = () => long.MaxValue;

    private static PinOwner OwnerOf(Caller caller) =>
        new(caller.Memory, caller.User, caller.Has(Capability.IpcLock) ? NoLimit : caller.LockLimitPages, AccountMode.Locked);

    private Errno MapDma(Caller caller, in CallArgument argument)
    {
        const uint Known = VfioConstants.MapRead | VfioConstants.MapWrite | VfioConstants.MapVaddr;
        Errno errno = VfioArgument.Read(argument, Marshal.SizeOf<VfioDmaMap>(), out VfioDmaMap map);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if ((map.Flags & ~Known) != 0 || map.Bytes == 0)
        {
            return Errno.Invalid;
        }

        ulong last = map.Iova + (map.Bytes - 1);
        bool wraps = last < map.Iova || map.Vaddr + (map.Bytes - 1) < map.Vaddr;
        if (wraps && Has(UapiChange.Type1WrapOverflows))
        {
            return Errno.Overflow;
        }

        Permission permission = ((map.Flags & VfioConstants.MapRead) != 0 ? Permission.Read : Permission.None)
            | ((map.Flags & VfioConstants.MapWrite) != 0 ? Permission.Write : Permission.None);
        bool isResumed = (map.Flags & VfioConstants.MapVaddr) != 0;
        if (isResumed == (permission != Permission.None))
        {
            return Errno.Invalid;
        }

        lock (_lock)
        {
            if (wraps || _isReleased || ((map.Bytes | map.Iova | map.Vaddr) & (SmallestPage - 1)) != 0)
            {
                return Errno.Invalid;
            }

            var span = new IovaSpan(map.Iova, last);
            Type1Entry? present = _entries.FirstIn(span.First, span.Last);
            return isResumed ? Resume(caller, present, span, map.Vaddr)
                : present is not null ? Errno.AlreadyExists
                : Map(caller, span, map.Vaddr, permission);
        }
    }

    private Errno Map(Caller caller, IovaSpan span, ulong userAddress, Permission permission)
    {
        if (_avail == 0)
        {
            return Errno.NoSpace;
        }

        if (!_window.Allows(span))
        {
            return Errno.Invalid;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        // No program has memory up to the highest address.
        ulong bytes = span.LengthLessOne + 1;
        PinOwner owner = OwnerOf(caller);
        ulong iova = span.First;
        Errno errno = userAddress + bytes < userAddress ? Errno.BadAddress : Space.Map(owner, userAddress, bytes, ref iova, permission, fixedIova: true).ToErrno();
        if (errno != Errno.Success)
        {
            return errno;
        }

        var entry = new Type1Entry(span, owner);
        _entries.Insert(span.First, span.Last, entry);
        _avail--;
        errno = _tracksDirty ? CheckMarks(entry) : Errno.Success;
        if (errno != Errno.Success)
        {
            // Never refused: nobody could pin it meanwhile.
            _ = Remove([entry], out _);
        }

        return errno;
    }

    // Pages that are pinned stay where they are; who has mapped them pays, from here on the process that tells the address.
    private Errno Resume(Caller caller, Type1Entry? entry, IovaSpan span, ulong userAddress)
    {
        if (entry is null)
        {
            return Errno.NotFound;
        }

        if (!entry.IsSuspended || entry.Span != span)
        {
            return Errno.Invalid;
        }

        PinOwner owner = caller.Memory == entry.Owner.Memory ? entry.Owner : OwnerOf(caller);
        IoasStatus status = Space.Readdress(span.First, owner, userAddress);
        if (status != IoasStatus.Success)
        {
            return status.ToErrno();
        }

        entry.Owner = owner;
        entry.IsSuspended = false;
        _suspended--;
        return Errno.Success;
    }
}
