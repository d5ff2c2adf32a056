using System.Globalization;

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

    /// <summary>The name of a device among those of VFIO: that of its node, where it has one, and of its folder.</summary>
    /// <param name="place">The place of the device in <see cref="Devices"/>.</param>
    internal string NameOf(int place) => string.Create(CultureInfo.InvariantCulture, $"{(HasNewName(place) ? "noiommu-" : string.Empty)}vfio{place}");

    /// <summary>The path of a device's own node; null for one without an IOMMU in a release that had none for those.</summary>
    /// <param name="place">The place of the device in <see cref="Devices"/>.</param>
    internal string? NodeOf(int place) => _devices[place].Group.Kind == VfioGroupKind.NoIommu && !HasNewName(place) ? null : $"/dev/vfio/devices/{NameOf(place)}";

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
        VfioGroup joined = _groups.TryGetValue(number, out VfioGroup? present) ? present : new VfioGroup(number, options.Kind);
        if (present is not null && (present.Kind != VfioGroupKind.Iommu || options.Kind != VfioGroupKind.Iommu))
        {
            model.Dispose();
            throw new ArgumentException($"The device at {options.Address} shall be in group {number} with others, but a device without an IOMMU, or an emulated one, has a group to itself: give it another number.", nameof(options));
        }

        var device = new VfioDevice(engine, joined, model, options);
        engine.HasNoIommuMode |= options.IsNoIommu;
        _groups[number] = joined;
        _devices.Add(device);
        return device;
    }

    /// <summary>Opens a device by its own node.</summary>
    internal static OpenFile Open(VfioDevice device) => new VfioDeviceFile(device);

    /// <summary>Opens a device by its own node, if the caller may.</summary>
    /// <returns><see cref="Errno.NotPermitted"/> for a device without an IOMMU, which reaches all memory, without CAP_SYS_RAWIO.</returns>
    internal static Errno Open(Caller caller, VfioDevice device, out OpenFile? file)
    {
        Errno errno = device.Group.Kind == VfioGroupKind.NoIommu && !caller.Has(Capability.SysRawIo) ? Errno.NotPermitted : Errno.Success;
        file = errno == Errno.Success ? Open(device) : null;
        return errno;
    }

    private bool HasNewName(int place) => _devices[place].Group.Kind == VfioGroupKind.NoIommu && engine.Options.Level.Has(UapiChange.NoIommu);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (VfioDevice device in _devices)
        {
            device.Dispose();
        }
    }
}
