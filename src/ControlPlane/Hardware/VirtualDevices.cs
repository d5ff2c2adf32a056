namespace FastIova;

/// <summary>The devices of a virtual IOMMU, by what its guest calls them.</summary>
/// <remarks>
/// <para>Invariants. D1: a number names one device, or is reserved for one that the driver has not accepted yet, which nobody
/// finds. D2: while <see cref="TryUse"/> runs, the device stays.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class VirtualDevices
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, VirtualDevice?> _devices = [];

    /// <summary>Reserves a number.</summary>
    /// <returns>False when it is taken.</returns>
    internal bool TryReserve(ulong virtualId)
    {
        lock (_lock)
        {
            return _devices.TryAdd(virtualId, null);
        }
    }

    /// <summary>Gives a reserved number back.</summary>
    internal void Release(ulong virtualId)
    {
        lock (_lock)
        {
            _devices.Remove(virtualId);
        }
    }

    /// <summary>Lets everybody find a device by the number that is reserved for it.</summary>
    internal void Accept(VirtualDevice device)
    {
        lock (_lock)
        {
            _devices[device.VirtualId] = device;
        }
    }

    /// <summary>Does something with a device; only what is short and takes no lock of the control plane.</summary>
    /// <returns>False when the guest has none of that number.</returns>
    internal bool TryUse(ulong virtualId, Action<HardwareDevice> use)
    {
        lock (_lock)
        {
            if (_devices.GetValueOrDefault(virtualId) is not { } found)
            {
                return false;
            }

            use(found.Device);
            return true;
        }
    }

    /// <summary>Finds what the guest calls a device.</summary>
    /// <returns>False when the guest does not have it.</returns>
    internal bool TryFind(HardwareDevice device, out ulong virtualId)
    {
        lock (_lock)
        {
            foreach (VirtualDevice? one in _devices.Values)
            {
                if (one?.Device == device)
                {
                    virtualId = one.VirtualId;
                    return true;
                }
            }
        }

        virtualId = 0;
        return false;
    }
}
