namespace FastIova;

/// <content>Groups come and go, and with them domains and what may be mapped.</content>
internal sealed partial class Type1Iommu
{
    internal override Errno Attach(VfioGroup group)
    {
        lock (_lock)
        {
            // A new domain may need pages, whose addresses are not known now.
            if (_suspended != 0)
            {
                return Errno.Busy;
            }

            if (_emulated.Contains(group) || _domains.Exists(domain => domain.Groups.Contains(group)))
            {
                return Errno.Invalid;
            }

            if (FaultPoint.Fails())
            {
                return Errno.OutOfMemory;
            }

            if (group.Kind == VfioGroupKind.Emulated)
            {
                _emulated.Add(group);
                TrackPins(group, _tracksDirty);
                return Errno.Success;
            }

            HardwareDevice device = group.Devices[0].Hardware;
            PagingDomain? paging = null;
            Errno errno = FaultPoint.Fails() ? Errno.OutOfMemory : device.CreatePaging(HwptAllocFlags.None, default, out paging);
            if (errno != Errno.Success)
            {
                return errno;
            }

            var newcomer = new Type1Domain(paging!, device.EnforcesCoherency && paging!.TryEnforceCoherency());
            errno = AttachTo(newcomer, group, out bool isUsed);
            if (!isUsed)
            {
                paging!.Free();
            }

            return errno;
        }
    }

    internal override void Detach(VfioGroup group)
    {
        lock (_lock)
        {
            if (_emulated.Remove(group))
            {
                KeepMarks(group);
                TrackPins(group, isTracked: false);
                if (_emulated.Count == 0 && _domains.Count == 0)
                {
                    RemoveAll();
                }

                return;
            }

            if (_domains.Find(domain => domain.Groups.Contains(group)) is not { } domain)
            {
                return;
            }

            group.Hardware.Detach(DeviceObject.NoPasid);
            domain.Groups.Remove(group);
            bool isLast = domain.Groups.Count == 0;
            if (isLast)
            {
                // What nobody translates any more goes, unless an emulated device may still use it.
                if (_domains.Count == 1 && _emulated.Count == 0)
                {
                    RemoveAll();
                }

                _domains.Remove(domain);
                Space.RemoveDomain(domain.Paging.Table);
                domain.Paging.Free();
                UpdatePageSizes();
            }

            _window = _window.Refreshed(isLast ? CommonAperture() : null, _domains.SelectMany(one => one.Groups).SelectMany(ReservedOf));
            if (_tracksDirty)
            {
                // What the group may have written is told once more.
                for (Type1Entry? entry = _entries.FirstOfAll(); entry is not null; entry = _entries.After(entry.Span.Last))
                {
                    entry.WasWritten = true;
                }
            }
        }
    }

    private static IEnumerable<IovaSpan> ReservedOf(VfioGroup group) => group.Devices.SelectMany(device => device.Hardware.ReservedRegions);

    private Errno AttachTo(Type1Domain newcomer, VfioGroup group, out bool isUsed)
    {
        isUsed = false;
        if (_window.ConflictsWith(newcomer.Aperture, IsMapped) || ReservedOf(group).Any(IsMapped))
        {
            return Errno.Invalid;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        IovaWindow next = _window.CutTo(newcomer.Aperture).Without(ReservedOf(group));
        if (next.Spans.Count == 0)
        {
            return Errno.Invalid;
        }

        if (!group.Devices.All(device => device.Hardware.HasIsolatedInterrupts))
        {
            return Errno.NotPermitted;
        }

        Type1Domain? shared = _domains.Find(domain => domain.Fits(newcomer));
        if (shared is null)
        {
            Errno filled = Space.AddDomain(newcomer.Paging.Table).ToErrno();
            if (filled != Errno.Success)
            {
                return filled;
            }
        }

        Type1Domain domain = shared ?? newcomer;
        Errno errno = group.Hardware.Attach(new AttachHandle(domain.Paging, Hwpt: null, Device: null), DeviceObject.NoPasid);
        if (errno != Errno.Success)
        {
            if (shared is null)
            {
                Space.RemoveDomain(newcomer.Paging.Table);
            }

            return errno;
        }

        domain.Groups.Insert(0, group);
        if (shared is null)
        {
            isUsed = true;
            _domains.Insert(0, newcomer);
            UpdatePageSizes();
        }

        _window = next;
        return Errno.Success;
    }

    private bool IsMapped(IovaSpan span) => _entries.FirstIn(span.First, span.Last) is not null;

    private IovaSpan CommonAperture() => new(
        _domains.Aggregate(0UL, (first, domain) => Math.Max(first, domain.Aperture.First)),
        _domains.Aggregate(ulong.MaxValue, (last, domain) => Math.Min(last, domain.Aperture.Last)));

    private void UpdatePageSizes()
    {
        ulong sizes = _domains.Aggregate(ulong.MaxValue, (common, domain) => common & domain.Paging.PageSizes);

        // What an IOMMU can do below the pages of the processor is not told.
        const ulong Below = Frame.PageBytes - 1;
        _pageSizes = (sizes & Below) != 0 ? (sizes & ~Below) | Frame.PageBytes : sizes;
    }
}
