namespace FastIova;

/// <summary>Devices that the IOMMU cannot tell apart: they have one owner, and one attachment for each PASID.</summary>
/// <remarks>
/// <para>Invariants. H1: for each PASID, and for accesses without one (<see cref="DeviceObject.NoPasid"/>), all devices of a group
/// are attached to the same domain, or to none; those that have no PASIDs take no part in the former. H2: a fault enters a queue
/// only while the handle it was found by is the group's.</para>
/// <para>Threads: any. The lock is held while a device attaches, and while a fault finds its queue; it is below the lock of the
/// <see cref="DeviceGroup"/> and above those of a fault queue.</para>
/// </remarks>
internal sealed class HardwareGroup
{
    private readonly OrderedLock _lock = new(LockRank.Hardware);
    private readonly List<HardwareDevice> _devices = [];
    private readonly Dictionary<uint, AttachHandle> _handles = [];
    private object? _owner;
    private int _claims;

    internal void Add(HardwareDevice device)
    {
        using (_lock.Enter())
        {
            _devices.Add(device);
        }
    }

    /// <summary>A device is gone; it is not attached.</summary>
    internal void Remove(HardwareDevice device)
    {
        using (_lock.Enter())
        {
            _devices.Remove(device);
        }
    }

    /// <summary>Takes the right to attach the devices of the group.</summary>
    /// <param name="owner">Who: a context. It may claim the group once for each device.</param>
    /// <returns><see cref="Errno.NotPermitted"/> when another one has it.</returns>
    internal Errno Claim(object owner)
    {
        using (_lock.Enter())
        {
            if (_claims != 0 && _owner != owner)
            {
                return Errno.NotPermitted;
            }

            _owner = owner;
            _claims++;
            return Errno.Success;
        }
    }

    /// <summary>Undoes one <see cref="Claim"/>.</summary>
    internal void Release()
    {
        using (_lock.Enter())
        {
            if (--_claims == 0)
            {
                _owner = null;
            }
        }
    }

    /// <summary>Attaches all devices, or none.</summary>
    /// <param name="handle">What to.</param>
    /// <param name="pasid">For which accesses.</param>
    /// <returns>The first refusal; what was attached before is attached still. <see cref="Errno.Invalid"/> for a PASID that a device cannot have.</returns>
    internal Errno Attach(AttachHandle handle, uint pasid)
    {
        using (_lock.Enter())
        {
            if (!_devices.TrueForAll(device => (device.Iommu == handle.Domain.Iommu || device.IsNoIommu) && (device.Pasids == 0 || pasid < device.Pasids)))
            {
                return Errno.Invalid;
            }

            HardwareDomain? old = _handles.GetValueOrDefault(pasid)?.Domain;
            for (int i = 0; i < _devices.Count; i++)
            {
                Errno errno = Attach(_devices[i], pasid, handle.Domain, old);
                if (errno != Errno.Success)
                {
                    while (--i >= 0)
                    {
                        Attach(_devices[i], pasid, old, handle.Domain);
                    }

                    return errno;
                }
            }

            _handles[pasid] = handle;
            return Errno.Success;
        }
    }

    /// <summary>Detaches all devices. Never fails.</summary>
    /// <param name="pasid">For which accesses.</param>
    /// <returns>The handle that ends; no further fault is reported through it.</returns>
    internal AttachHandle? Detach(uint pasid)
    {
        using (_lock.Enter())
        {
            _handles.Remove(pasid, out AttachHandle? old);
            foreach (HardwareDevice device in _devices)
            {
                Attach(device, pasid, null, old?.Domain);
            }

            return old;
        }
    }

    /// <summary>What the group is attached to.</summary>
    /// <param name="pasid">For which accesses.</param>
    internal AttachHandle? HandleOf(uint pasid)
    {
        using (_lock.Enter())
        {
            return _handles.GetValueOrDefault(pasid);
        }
    }

    /// <summary>Finds who takes a fault, or answers it.</summary>
    internal Errno Report(HardwareDevice device, in PageFault fault)
    {
        FaultQueue? queue = null;
        using (_lock.Enter())
        {
            AttachHandle? handle = HandleFor(device, fault);
            queue = handle?.Hwpt?.Faults;
            queue?.Report(device, handle!, fault);
        }

        if (queue is not null)
        {
            queue.File.Wake();
            return Errno.Success;
        }

        device.Respond(fault, PageResponseCode.Invalid);
        return Errno.Invalid;
    }

    private static Errno Attach(HardwareDevice device, uint pasid, HardwareDomain? domain, HardwareDomain? old) =>
        pasid == DeviceObject.NoPasid ? device.Attach(domain, old)
        : device.PasidLog2 != 0 ? device.AttachPasid(pasid, domain, old)
        : Errno.Success;

    // A fault with a PASID that nobody attached belongs to a guest's table of PASIDs, or to nobody.
    private AttachHandle? HandleFor(HardwareDevice device, in PageFault fault)
    {
        bool hasPasid = (fault.Flags & PageFaultFlags.PasidValid) != PageFaultFlags.None;
        if (_handles.TryGetValue(hasPasid ? fault.Pasid : DeviceObject.NoPasid, out AttachHandle? handle) || !hasPasid)
        {
            return handle;
        }

        handle = _handles.GetValueOrDefault(DeviceObject.NoPasid);
        return device.HasUserPasidTable && handle?.Domain is NestedDomain ? handle : null;
    }
}
