namespace FastIova;

/// <summary>How a device comes to an hwpt, to another one, and away.</summary>
internal sealed partial class DeviceObject
{
    private delegate Errno Change(DeviceObject device, Hwpt hwpt, out Hwpt? ended);

    /// <summary>Attaches the device to an hwpt, or to an ioas: then to an automatic hwpt of it that fits, or to a new one.</summary>
    /// <param name="id">In, the hwpt or ioas; out, the hwpt.</param>
    internal Errno Attach(ref uint id)
    {
        Errno errno = ChangeTo(ref id, isReplace: false);
        if (errno == Errno.Success)
        {
            // A device that is attached cannot be unbound.
            AddUser();
        }

        return errno;
    }

    /// <summary>Attaches the device, and every attached device of its group, elsewhere, without a moment in between; or changes nothing.</summary>
    /// <param name="id">In, the hwpt or ioas; out, the hwpt.</param>
    internal Errno Replace(ref uint id) => ChangeTo(ref id, isReplace: true);

    /// <summary>Detaches the device, which is attached.</summary>
    internal void Detach()
    {
        DetachFrom(out Hwpt hwpt);
        hwpt.LetUserGo();
        RemoveUser();
    }

    /// <summary>Attaches the device to one hwpt.</summary>
    /// <returns><see cref="Errno.Invalid"/> when its group is attached to another one, or when the hwpt does not fit.</returns>
    internal Errno AttachTo(Hwpt hwpt)
    {
        using (_group.Lock.Enter())
        {
            if (_group.Hwpt is { } present && present != hwpt)
            {
                return Errno.Invalid;
            }

            Ioas space = hwpt.Paging.Ioas.Space;
            Errno errno = space.EnforceReserved(Hardware.ReservedRegions, Hardware).ToErrno();
            if (errno != Errno.Success)
            {
                return errno;
            }

            // The others of a group follow the first; only their reserved regions are their own.
            if (_group.Attached.Count == 0)
            {
                errno = AttachGroup(hwpt, null);
                if (errno != Errno.Success)
                {
                    space.Unreserve(Hardware);
                    return errno;
                }

                _group.Hwpt = hwpt;
            }

            hwpt.AddUser();
            _group.Attached.Add(this);
            return Errno.Success;
        }
    }

    /// <summary>Detaches the device. The caller lets one user of the hwpt go, without holding a lock of an ioas.</summary>
    internal void DetachFrom(out Hwpt hwpt)
    {
        using (_group.Lock.Enter())
        {
            hwpt = _group.Hwpt!;
            _group.Attached.Remove(this);
            if (_group.Attached.Count == 0)
            {
                AttachHandle? ended = _group.Hardware.Detach();
                AnswerFaults(hwpt, ended);
                if (hwpt.Faults is not null)
                {
                    DisableFaults();
                }

                _group.Hwpt = null;
            }

            hwpt.Paging.Ioas.Space.Unreserve(Hardware);
        }
    }

    private static void AnswerFaults(Hwpt hwpt, AttachHandle? ended)
    {
        if (ended is not null)
        {
            hwpt.Faults?.AnswerAll(ended);
        }
    }

    private static Errno AttachOne(DeviceObject device, Hwpt hwpt, out Hwpt? ended)
    {
        ended = null;
        return device.AttachTo(hwpt);
    }

    private static Errno ReplaceOne(DeviceObject device, Hwpt hwpt, out Hwpt? ended) => device.ReplaceBy(hwpt, out ended);

    private Errno AttachGroup(Hwpt hwpt, Hwpt? old)
    {
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        bool turnsOn = hwpt.Faults is not null && old?.Faults is null;
        Errno errno = turnsOn ? EnableFaults() : Errno.Success;
        if (errno != Errno.Success)
        {
            return errno;
        }

        AttachHandle? ended = _group.Hardware.Handle;
        errno = _group.Hardware.Attach(new AttachHandle(hwpt.HardwareDomain, hwpt, this));
        if (errno != Errno.Success)
        {
            if (turnsOn)
            {
                DisableFaults();
            }

            return errno;
        }

        if (old is not null)
        {
            AnswerFaults(old, ended);
            if (old.Faults is not null && hwpt.Faults is null)
            {
                DisableFaults();
            }
        }

        return Errno.Success;
    }

    private Errno ReplaceBy(Hwpt hwpt, out Hwpt? ended)
    {
        ended = null;
        using (_group.Lock.Enter())
        {
            Hwpt? old = _group.Hwpt;
            if (old is null || !_group.Attached.Contains(this))
            {
                return Errno.Invalid;
            }

            if (old == hwpt)
            {
                return Errno.Success;
            }

            IoasObject from = old.Paging.Ioas;
            IoasObject to = hwpt.Paging.Ioas;
            Errno errno = from == to ? Errno.Success : ReserveForAll(to.Space);
            if (errno == Errno.Success)
            {
                errno = AttachGroup(hwpt, old);
                if (errno != Errno.Success && from != to)
                {
                    UnreserveForAll(to.Space);
                }
            }

            if (errno != Errno.Success)
            {
                return errno;
            }

            if (from != to)
            {
                UnreserveForAll(from.Space);
            }

            _group.Hwpt = hwpt;

            // Each attached device is a user of the new hwpt; the caller lets the last user of the old one go.
            int moved = _group.Attached.Count;
            hwpt.AddUsers(moved);
            for (int i = 1; i < moved; i++)
            {
                old.RemoveUser();
            }

            ended = old;
            return Errno.Success;
        }
    }

    private Errno ReserveForAll(Ioas space)
    {
        foreach (DeviceObject device in _group.Attached)
        {
            Errno errno = space.EnforceReserved(device.Hardware.ReservedRegions, device.Hardware).ToErrno();
            if (errno != Errno.Success)
            {
                UnreserveForAll(space);
                return errno;
            }
        }

        return Errno.Success;
    }

    private void UnreserveForAll(Ioas space)
    {
        foreach (DeviceObject device in _group.Attached)
        {
            space.Unreserve(device.Hardware);
        }
    }

    private Errno ChangeTo(ref uint id, bool isReplace)
    {
        Errno errno = Context.Objects.Get(id, out UapiObject? target);
        if (errno != Errno.Success)
        {
            return errno;
        }

        Change change = isReplace ? ReplaceOne : AttachOne;
        Hwpt? ended = null;
        errno = target switch
        {
            Hwpt hwpt => change(this, hwpt, out ended),
            IoasObject ioas => ChangeToIoas(ioas, change, isReplace, ref id, out ended),
            _ => Errno.Invalid,
        };
        target!.LetGo();

        // Only now: destroying an hwpt takes the locks that were held until here.
        ended?.LetUserGo();
        return errno;
    }

    private Errno ChangeToIoas(IoasObject ioas, Change change, bool isReplace, ref uint id, out Hwpt? ended)
    {
        Errno errno;
        using (ioas.HwptLock.Enter())
        {
            foreach (PagingHwpt candidate in ioas.Hwpts)
            {
                if (!candidate.IsAutomatic || !candidate.TryHold())
                {
                    continue;
                }

                errno = change(this, candidate, out ended);
                if (errno == Errno.Success)
                {
                    id = candidate.Id;
                }

                candidate.LetGo();

                // Invalid: the domain does not fit this device. Everything else is the user's to know.
                if (errno != Errno.Invalid)
                {
                    return errno;
                }
            }

            ended = null;
            errno = PagingHwpt.Create(ioas, this, HwptAllocFlags.None, default, attach: !isReplace, out PagingHwpt? made);
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = isReplace ? change(this, made!, out ended) : Errno.Success;
            if (errno != Errno.Success)
            {
                Context.Objects.Abort(made!);
                return errno;
            }

            made!.BecomeAutomatic();
            id = made.Id;
            Context.Objects.Publish(made);
            return Errno.Success;
        }
    }
}
