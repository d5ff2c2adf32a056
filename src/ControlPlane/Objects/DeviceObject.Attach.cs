namespace FastIova;

/// <summary>How a device comes to an hwpt, to another one, and away; each of its PASIDs on its own.</summary>
internal sealed partial class DeviceObject
{
    /// <summary>The PASID that stands for accesses without one, as the interface counts them (IOMMU_NO_PASID).</summary>
    internal const uint NoPasid = 0;

    private delegate Errno Change(DeviceObject device, Hwpt hwpt, uint pasid, out Hwpt? ended);

    /// <summary>Attaches the device to an hwpt, or to an ioas: then to an automatic hwpt of it that fits, or to a new one.</summary>
    /// <param name="id">In, the hwpt or ioas; out, the hwpt.</param>
    /// <param name="pasid">For which accesses of the device.</param>
    /// <returns><see cref="Errno.Busy"/> when it is attached for them.</returns>
    internal Errno Attach(ref uint id, uint pasid = NoPasid)
    {
        Errno errno = ChangeTo(ref id, pasid, isReplace: false);
        if (errno == Errno.Success)
        {
            // A device that is attached cannot be unbound.
            AddUser();
        }

        return errno;
    }

    /// <summary>Attaches the device, and every attached device of its group, elsewhere, without a moment in between; or changes nothing.</summary>
    /// <param name="id">In, the hwpt or ioas; out, the hwpt.</param>
    /// <param name="pasid">For which accesses of the device.</param>
    /// <returns><see cref="Errno.Invalid"/> when it is not attached for them.</returns>
    internal Errno Replace(ref uint id, uint pasid = NoPasid) => ChangeTo(ref id, pasid, isReplace: true);

    /// <summary>Detaches the device. Does nothing when it is not attached.</summary>
    /// <param name="pasid">For which accesses of the device.</param>
    internal void Detach(uint pasid = NoPasid)
    {
        if (DetachFrom(pasid) is { } hwpt)
        {
            hwpt.LetUserGo();
            RemoveUser();
        }
    }

    /// <summary>Detaches whatever is attached.</summary>
    internal void DetachAll()
    {
        foreach (uint pasid in AttachedPasids())
        {
            Detach(pasid);
        }
    }

    /// <summary>Attaches the device to one hwpt.</summary>
    /// <returns><see cref="Errno.Invalid"/> when its group is attached to another one, or when the hwpt does not fit.</returns>
    internal Errno AttachTo(Hwpt hwpt, uint pasid)
    {
        using (_group.Lock.Enter())
        {
            Attachment? present = _group.Attachments.GetValueOrDefault(pasid);
            if (present?.Devices.Contains(this) == true)
            {
                return Errno.Busy;
            }

            if (present is not null && present.Hwpt != hwpt)
            {
                return Errno.Invalid;
            }

            // What a device cannot use, it cannot use with a PASID either: the accesses without one speak for all.
            Ioas? space = pasid == NoPasid ? hwpt.Paging.Ioas.Space : null;
            Errno errno = space?.EnforceReserved(Hardware.ReservedRegions, Hardware).ToErrno() ?? Errno.Success;
            if (errno != Errno.Success)
            {
                return errno;
            }

            // The others of a group follow the first; only their reserved regions are their own.
            if (present is null)
            {
                present = new Attachment(hwpt);
                errno = AttachGroup(present, hwpt, pasid);
                if (errno != Errno.Success)
                {
                    space?.Unreserve(Hardware);
                    return errno;
                }

                _group.Attachments.Add(pasid, present);
            }

            hwpt.AddUser();
            present.Devices.Add(this);
            return Errno.Success;
        }
    }

    /// <summary>Detaches the device.</summary>
    /// <returns>The hwpt, of which the caller lets one user go without holding a lock of an ioas; null when it was not attached.</returns>
    internal Hwpt? DetachFrom(uint pasid)
    {
        using (_group.Lock.Enter())
        {
            if (!_group.Attachments.TryGetValue(pasid, out Attachment? present) || !present.Devices.Remove(this))
            {
                return null;
            }

            Hwpt hwpt = present.Hwpt;
            if (present.Devices.Count == 0)
            {
                _group.Attachments.Remove(pasid);
                AnswerFaults(hwpt, _group.Hardware.Detach(pasid));
                StopFaults(present);
            }

            if (pasid == NoPasid)
            {
                hwpt.Paging.Ioas.Space.Unreserve(Hardware);
            }

            return hwpt;
        }
    }

    private static void AnswerFaults(Hwpt hwpt, AttachHandle? ended)
    {
        if (ended is not null)
        {
            hwpt.Faults?.AnswerAll(ended);
        }
    }

    private static void StopFaults(Attachment attachment)
    {
        attachment.Faulting?.DisableFaults();
        attachment.Faulting = null;
    }

    private static Errno AttachOne(DeviceObject device, Hwpt hwpt, uint pasid, out Hwpt? ended)
    {
        ended = null;
        return device.AttachTo(hwpt, pasid);
    }

    private static Errno ReplaceOne(DeviceObject device, Hwpt hwpt, uint pasid, out Hwpt? ended) => device.ReplaceBy(hwpt, pasid, out ended);

    private uint[] AttachedPasids()
    {
        using (_group.Lock.Enter())
        {
            return [.. _group.Attachments.Keys.Where(pasid => _group.Attachments[pasid].Devices.Contains(this))];
        }
    }

    /// <summary>Lets the hardware attach the group. On success its old handle has ended; the attachment still names the old hwpt.</summary>
    private Errno AttachGroup(Attachment attachment, Hwpt hwpt, uint pasid)
    {
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        if (!_group.MayTake(hwpt, pasid))
        {
            return Errno.Invalid;
        }

        bool turnsOn = hwpt.Faults is not null && attachment.Faulting is null;
        Errno errno = turnsOn ? EnableFaults() : Errno.Success;
        if (errno != Errno.Success)
        {
            return errno;
        }

        AttachHandle? ended = _group.Hardware.HandleOf(pasid);
        errno = _group.Hardware.Attach(new AttachHandle(hwpt.HardwareDomain, hwpt, this), pasid);
        if (errno != Errno.Success)
        {
            if (turnsOn)
            {
                DisableFaults();
            }

            return errno;
        }

        AnswerFaults(attachment.Hwpt, ended);
        if (turnsOn)
        {
            attachment.Faulting = this;
        }
        else if (hwpt.Faults is null)
        {
            StopFaults(attachment);
        }

        return Errno.Success;
    }

    private Errno ReplaceBy(Hwpt hwpt, uint pasid, out Hwpt? ended)
    {
        ended = null;
        using (_group.Lock.Enter())
        {
            if (!_group.Attachments.TryGetValue(pasid, out Attachment? present) || !present.Devices.Contains(this))
            {
                return Errno.Invalid;
            }

            Hwpt old = present.Hwpt;
            if (old == hwpt)
            {
                return Errno.Success;
            }

            IoasObject from = old.Paging.Ioas;
            IoasObject to = hwpt.Paging.Ioas;
            bool moves = pasid == NoPasid && from != to;
            Errno errno = moves ? ReserveForAll(present, to.Space) : Errno.Success;
            if (errno == Errno.Success)
            {
                errno = AttachGroup(present, hwpt, pasid);
                if (errno != Errno.Success && moves)
                {
                    UnreserveForAll(present, to.Space);
                }
            }

            if (errno != Errno.Success)
            {
                return errno;
            }

            if (moves)
            {
                UnreserveForAll(present, from.Space);
            }

            present.Hwpt = hwpt;

            // Each attached device is a user of the new hwpt; the caller lets the last user of the old one go.
            int moved = present.Devices.Count;
            hwpt.AddUsers(moved);
            for (int i = 1; i < moved; i++)
            {
                old.RemoveUser();
            }

            ended = old;
            return Errno.Success;
        }
    }

    private static Errno ReserveForAll(Attachment attachment, Ioas space)
    {
        foreach (DeviceObject device in attachment.Devices)
        {
            Errno errno = space.EnforceReserved(device.Hardware.ReservedRegions, device.Hardware).ToErrno();
            if (errno != Errno.Success)
            {
                UnreserveForAll(attachment, space);
                return errno;
            }
        }

        return Errno.Success;
    }

    private static void UnreserveForAll(Attachment attachment, Ioas space)
    {
        foreach (DeviceObject device in attachment.Devices)
        {
            space.Unreserve(device.Hardware);
        }
    }

    private Errno ChangeTo(ref uint id, uint pasid, bool isReplace)
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
            Hwpt hwpt => change(this, hwpt, pasid, out ended),
            IoasObject ioas => ChangeToIoas(ioas, change, isReplace, ref id, pasid, out ended),
            _ => Errno.Invalid,
        };
        target!.LetGo();

        // Only now: destroying an hwpt takes the locks that were held until here.
        ended?.LetUserGo();
        return errno;
    }

    private Errno ChangeToIoas(IoasObject ioas, Change change, bool isReplace, ref uint id, uint pasid, out Hwpt? ended)
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

                errno = change(this, candidate, pasid, out ended);
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
            errno = PagingHwpt.Create(ioas, this, HwptAllocFlags.None, default, isReplace ? null : pasid, out PagingHwpt? made);
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = isReplace ? change(this, made!, pasid, out ended) : Errno.Success;
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
