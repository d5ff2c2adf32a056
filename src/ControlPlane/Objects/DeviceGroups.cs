namespace FastIova;

/// <summary>The groups of the devices that are bound to one context.</summary>
/// <remarks>Threads: any. Empty when no device is bound.</remarks>
internal sealed class DeviceGroups
{
    private readonly Dictionary<HardwareGroup, DeviceGroup> _groups = [];

    /// <summary>Whether a device of a group is bound.</summary>
    internal bool Contains(HardwareGroup hardware)
    {
        lock (_groups)
        {
            return _groups.ContainsKey(hardware);
        }
    }

    /// <summary>The group of a device that is being bound; made when it is the first.</summary>
    internal Errno Get(HardwareGroup hardware, out DeviceGroup? group)
    {
        group = null;
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        lock (_groups)
        {
            if (!_groups.TryGetValue(hardware, out group))
            {
                group = new DeviceGroup(hardware);
                _groups.Add(hardware, group);
            }

            group.Bound++;
        }

        return Errno.Success;
    }

    /// <summary>Undoes one <see cref="Get"/>.</summary>
    internal void Put(DeviceGroup group)
    {
        lock (_groups)
        {
            if (--group.Bound == 0)
            {
                _groups.Remove(group.Hardware);
            }
        }
    }
}
