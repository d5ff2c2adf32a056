namespace FastIova;

/// <summary>A PCI function that VFIO offers: the function, its way through the IOMMU, and whether somebody has opened it.</summary>
/// <remarks>
/// <para>Owns: the function with its model, and its port.</para>
/// <para>Invariants. D1: it belongs to one context or container at most. D2: a device that nobody has opened is reset and allowed
/// nothing; it is attached to nothing, unless its group is in a container of VFIO's own. D3: a reset keeps what the driver has set in the header, as Linux saves and restores it.</para>
/// <para>Threads: any; opening, closing and resetting come one at a time, under the <see cref="VfioGroup.Gate"/>.</para>
/// <para>Teardown: after every file of it is closed; never fails.</para>
/// </remarks>
internal sealed class VfioDevice : IDisposable
{
    private readonly DmaPort _port;
    private readonly VfioConfig _config;
    private readonly VfioResetKind _reset;
    private int _groupFiles;
    private bool _isOpen;
    private long _faults;

    /// <summary>Makes a device and adds it to its group.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="group">Its group.</param>
    /// <param name="model">What it does; the device's from now on, also when this throws.</param>
    /// <param name="options">Its place and its IOMMU.</param>
    /// <exception cref="ArgumentException">The layout of the model breaks a rule.</exception>
    /// <exception cref="IOException">There is no memory for a mappable BAR.</exception>
    internal VfioDevice(Engine engine, VfioGroup group, IPciDeviceModel model, VfioDeviceOptions options)
    {
        if (options is { IsEmulated: true, LogsWrites: true })
        {
            model.Dispose();
            throw new ArgumentException($"The device at {options.Address} is emulated and shall log its writes: only a device behind an IOMMU has such a log.", nameof(options));
        }

        if (options.Migrates && model is not IPciMigratable)
        {
            model.Dispose();
            throw new ArgumentException($"The device at {options.Address} shall migrate, but its model cannot be saved: use a model that is {nameof(IPciMigratable)}.", nameof(options));
        }

        Engine = engine;
        _reset = options.Reset;
        Group = group;
        Model = model;
        Address = options.Address;
        _port = engine.Iommu.OpenPort(new DmaPortOptions { Name = Address.ToString(), Device = Address.RequesterId });
        try
        {
            Emulated = options.IsEmulated ? new EmulatedMemory(Address.RequesterId) : null;
            Function = new PciFunction(model, _port, Emulated, fault =>
            {
                Interlocked.Increment(ref _faults);
                options.OnFault?.Invoke(Address, fault);
            });
        }
        catch
        {
            _port.Dispose();
            throw;
        }

        // The IOMMUs of machines have always refused what nothing may access; only a mock one did not.
        DeviceOptions iommu = options.Iommu with { Domain = options.Iommu.Domain with { NeedsPermission = true } };
        Hardware = options.IsNoIommu ? new NoIommuDevice(engine, group.Hardware) : new PortDevice(engine, _port, iommu, group.Hardware);
        DmaBufs = new VfioDmaBufs(this);
        IoEventfds = new VfioIoEventfds(this);
        Power = new VfioPower(this);
        Migration = options.Migrates ? new VfioMigration(this) : null;
        DmaLog = options.LogsWrites ? new VfioDmaLog(_port) : null;
        Interrupts = new VfioInterrupts(Function, engine.Options.Level.Has(UapiChange.VfioErrorsEverywhere));
        _config = new VfioConfig(this);
        group.Add(this);
    }

    /// <summary>The engine.</summary>
    internal Engine Engine { get; }

    /// <summary>Its group.</summary>
    internal VfioGroup Group { get; }

    /// <summary>What it does; the function drives it.</summary>
    internal IPciDeviceModel Model { get; }

    /// <summary>Where it is.</summary>
    internal PciAddress Address { get; }

    /// <summary>What a driver drives.</summary>
    internal PciFunction Function { get; }

    /// <summary>What the control plane attaches.</summary>
    internal HardwareDevice Hardware { get; }

    /// <summary>Its interrupts.</summary>
    internal VfioInterrupts Interrupts { get; }

    /// <summary>The writes to it that eventfds make.</summary>
    internal VfioIoEventfds IoEventfds { get; }

    /// <summary>Whether it may sleep.</summary>
    internal VfioPower Power { get; }

    /// <summary>Its migration; null for a device that has none.</summary>
    internal VfioMigration? Migration { get; }

    /// <summary>Its log of writes; null for a device that keeps none.</summary>
    internal VfioDmaLog? DmaLog { get; }

    /// <summary>What of it was given away as dma-bufs.</summary>
    internal VfioDmaBufs DmaBufs { get; }

    /// <summary>Its configuration space as a driver may use it.</summary>
    internal VfioConfig Config => _config;

    /// <summary>What it is to the context that has it; null while nobody has opened it. Under the gate of the group.</summary>
    internal VfioBinding? Bound { get; private set; }

    /// <summary>The memory of an emulated device; null for one behind an IOMMU.</summary>
    internal EmulatedMemory? Emulated { get; }

    /// <summary>Whether a file of its group has opened it.</summary>
    internal bool IsOpenForGroup
    {
        get
        {
            lock (Group.Gate)
            {
                return _groupFiles != 0;
            }
        }
    }

    /// <summary>Whether the device can be reset alone.</summary>
    internal bool CanReset => _reset switch
    {
        VfioResetKind.Function => Function.Layout.HasFunctionLevelReset,
        VfioResetKind.Bus => Group.Devices.Count == 1,
        _ => false,
    };

    /// <summary>Whether a bridge is before it that can reset its bus.</summary>
    internal bool HasBusReset => _reset == VfioResetKind.Bus || Group.Devices.Count > 1;

    /// <summary>The accesses that were refused.</summary>
    internal long Faults => Interlocked.Read(ref _faults);

    /// <summary>Whether the IOMMU before it makes every access coherent.</summary>
    internal bool IsEnforcedCoherent => Emulated is null && Hardware.EnforcesCoherency;

    /// <summary>Opens the device. Under the gate of the group.</summary>
    /// <param name="context">What it is bound to; null for one whose group is in a container, or whose group needs no binding.</param>
    /// <param name="container">VFIO's own container that its group is in, where an emulated device finds its memory; null otherwise.</param>
    /// <param name="machine">The virtual machine of the file; null without.</param>
    /// <returns><see cref="Errno.Invalid"/> when it is open.</returns>
    internal Errno Open(IommufdContext? context, Type1Iommu? container = null, object? machine = null)
    {
        if (_isOpen)
        {
            return Errno.Invalid;
        }

        Errno errno = Bind(context, container, out VfioBinding? bound);
        if (errno != Errno.Success)
        {
            return errno;
        }

        Bound = bound;
        _isOpen = true;
        Function.VirtualMachine = machine;
        Function.Reset();
        _config.Enable();
        if (Group.Kind == VfioGroupKind.NoIommu)
        {
            _port.Attach(Engine.Physical.Domain);
        }

        return Errno.Success;
    }

    /// <summary>Undoes <see cref="Open"/>: ends interrupts and DMA, detaches and unbinds. Under the gate of the group.</summary>
    internal void Close()
    {
        Power.WakeUp();
        DmaBufs.Abandon();
        IoEventfds.RemoveAll();
        Interrupts.DisableAll();
        DmaLog?.Stop();
        EndMigration();
        Function.Reset();
        if (Group.Kind == VfioGroupKind.NoIommu)
        {
            _port.Detach();
        }

        if (Bound is null)
        {
            Emulated?.Disconnect();
        }

        Bound?.End();
        Bound = null;
        _isOpen = false;
        Function.VirtualMachine = null;
    }

    /// <summary>Opens the device for a file that its group gives out, of which there may be several; the first attaches it to the ioas of the container.</summary>
    /// <param name="context">The iommufd that is the container; null when it needs no binding: in VFIO's own container the group is attached.</param>
    /// <param name="container">VFIO's own container, of type 1; null otherwise.</param>
    /// <param name="machine">The virtual machine of the group; null without.</param>
    internal Errno OpenForGroup(IommufdContext? context, Type1Iommu? container, object? machine)
    {
        lock (Group.Gate)
        {
            if (_groupFiles != 0)
            {
                _groupFiles++;
                return Errno.Success;
            }

            if (context is null)
            {
                Errno opened = Open(null, container, machine);
                _groupFiles = opened == Errno.Success ? 1 : 0;
                return opened;
            }

            // Null: the container is closed, and only the group still names it.
            if (context.Objects.HoldVfioIoas() is not { } ioas)
            {
                return Errno.NoDevice;
            }

            uint id = ioas.Id;
            ioas.LetGo();
            Errno errno = Open(context, container: null, machine);
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = Bound!.Attach(ref id);
            if (errno != Errno.Success)
            {
                Close();
                return errno;
            }

            _groupFiles = 1;
            return Errno.Success;
        }
    }

    /// <summary>Undoes one <see cref="OpenForGroup"/>; the last one closes the device.</summary>
    internal void CloseForGroup()
    {
        lock (Group.Gate)
        {
            if (--_groupFiles == 0)
            {
                Close();
            }
        }
    }

    /// <summary>Resets an open device; its driver's settings stay (D3). Under the gate of the group.</summary>
    internal void Reset()
    {
        Span<byte> header = stackalloc byte[VfioConfig.HeaderBytes];
        _config.Save(header);
        DmaBufs.Revoke();
        Migration?.Reset();
        Function.Reset();
        Emulated?.LetGo();
        _config.Restore(header);
        DmaBufs.Settle();
        Interrupts.Restore();
    }

    private Errno Bind(IommufdContext? context, Type1Iommu? container, out VfioBinding? bound)
    {
        bound = null;
        return (Emulated, context) switch
        {
            ({ } memory, { } iommufd) => VfioEmulatedBinding.Open(iommufd, memory, out bound),
            ({ } memory, null) => memory.Connect(container!.Space).ToErrno(),
            (null, { } iommufd) => VfioPhysicalBinding.Open(iommufd, Hardware, out bound),
            _ => Errno.Success,
        };
    }

    private void EndMigration()
    {
        if (Migration is not null)
        {
            Migration.Reset();
            Migration.HasPrecopyFlags = false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Function.Dispose();
        _port.Dispose();
    }
}
