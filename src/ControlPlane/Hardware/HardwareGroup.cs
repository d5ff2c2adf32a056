namespace FastIova;

/// <summary>Devices that the IOMMU cannot tell apart: they have one owner and one attachment.</summary>
/// <remarks>
/// <para>Invariants. H1: all devices of a group are attached to the same domain, or to none. H2: a fault enters a queue only
/// while the handle it was found by is the group's.</para>
/// <para>Threads: any. The lock is held while a device attaches, and while a fault finds its queue; it is below the lock of the
/// <see cref="DeviceGroup"/> and above those of a fault queue.</para>
/// </remarks>
internal sealed class HardwareGroup
{
    private readonly OrderedLock _lock = new(LockRank.Hardware);
    private readonly List<HardwareDevice> _devices = [];
    private object? _owner;
    private int _claims;
    private AttachHandle? _handle;

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
    /// <returns>The first refusal; what was attached before is attached still.</returns>
    internal Errno Attach(AttachHandle handle)
    {
        using (_lock.Enter())
        {
            HardwareDomain? old = _handle?.Domain;
            for (int i = 0; i < _devices.Count; i++)
            {
                Errno errno = _devices[i].Iommu == handle.Domain.Iommu ? _devices[i].Attach(handle.Domain, old) : Errno.Invalid;
                if (errno != Errno.Success)
                {
                    while (--i >= 0)
                    {
                        _devices[i].Attach(old, handle.Domain);
                    }

                    return errno;
                }
            }

            _handle = handle;
            return Errno.Success;
        }
    }

    /// <summary>Detaches all devices. Never fails.</summary>
    /// <returns>The handle that ends; no further fault is reported through it.</returns>
    internal AttachHandle? Detach()
    {
        using (_lock.Enter())
        {
            AttachHandle? old = _handle;
            foreach (HardwareDevice device in _devices)
            {
                device.Attach(null, old?.Domain);
            }

            _handle = null;
            return old;
        }
    }

    /// <summary>What the group is attached to.</summary>
    internal AttachHandle? Handle
    {
        get
        {
            using (_lock.Enter())
            {
                return _handle;
            }
        }
    }

    /// <summary>Finds who takes a fault, or answers it.</summary>
    internal Errno Report(HardwareDevice device, in PageFault fault)
    {
        FaultQueue? queue = null;
        using (_lock.Enter())
        {
            AttachHandle? handle = _handle;

            // Nobody attaches single PASIDs in this release: a fault with one belongs to a guest's table of PASIDs or to nobody.
            if ((fault.Flags & PageFaultFlags.PasidValid) != PageFaultFlags.None && !(device.HasUserPasidTable && handle?.Domain is NestedDomain))
            {
                handle = null;
            }

            queue = handle?.Hwpt.Faults;
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
}
