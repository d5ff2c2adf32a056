namespace FastIova;

/// <summary>The devices that an engine offers by VFIO, and their groups, under the names of their nodes.</summary>
/// <remarks>
/// Owns: the devices. Threads: any, once every device is added. Teardown: after every file of them is closed, before the engine.
/// </remarks>
internal sealed class VfioTopology(Engine engine) : IDisposable
{
    private readonly List<VfioDevice> _devices = [];
    private readonly SortedDictionary<int, VfioGroup> _groups = [];

    /// <summary>The devices; the place of each is the number in the name of its node.</summary>
    internal IReadOnlyList<VfioDevice> Devices => _devices;

    /// <summary>The groups, by their numbers.</summary>
    internal IReadOnlyCollection<VfioGroup> Groups => _groups.Values;

    /// <summary>Adds a device.</summary>
    /// <param name="group">The number of its group; null for one of its own, with the lowest free number.</param>
    /// <param name="model">What it does; the topology's from now on, also when this throws.</param>
    /// <param name="options">Its place and its IOMMU.</param>
    /// <exception cref="ArgumentException">Another device is there, or the layout of the model breaks a rule.</exception>
    /// <exception cref="IOException">There is no memory for a mappable BAR.</exception>
    internal VfioDevice Add(int? group, IPciDeviceModel model, VfioDeviceOptions options)
    {
        if (_devices.Exists(device => device.Address == options.Address))
        {
            model.Dispose();
            throw new ArgumentException($"Two devices shall be at {options.Address}: give each an address of its own.", nameof(options));
        }

        int number = group ?? Enumerable.Range(0, int.MaxValue).First(free => !_groups.ContainsKey(free));
        if (_groups.TryGetValue(number, out VfioGroup? with) && (options.IsEmulated || with.Devices.Any(device => device.Emulated is not null)))
        {
            model.Dispose();
            throw new ArgumentException($"The device at {options.Address} shall be in group {number} with others, but an emulated device has a group to itself: give it another number.", nameof(options));
        }

        VfioGroup joined = _groups.TryGetValue(number, out VfioGroup? present) ? present : new VfioGroup(number);
        var device = new VfioDevice(engine, joined, model, options);
        _groups[number] = joined;
        _devices.Add(device);
        return device;
    }

    /// <summary>Opens a device by its own node.</summary>
    internal static OpenFile Open(VfioDevice device) => new VfioDeviceFile(device);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (VfioDevice device in _devices)
        {
            device.Dispose();
        }
    }
}
