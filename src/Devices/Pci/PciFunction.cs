namespace FastIova;

/// <summary>One PCI function as a driver sees it: configuration space, BARs, interrupts, and the device model behind them.</summary>
/// <remarks>
/// <para>Owns: the model, the memory of mappable BARs, the state of the configuration space. The port stays its maker's.</para>
/// <para>Invariants. P1: the model hears one call at a time. P2: a BAR answers only while the driver has enabled its kind in the command register
/// and the function is in D0; else reads give all ones and writes are lost. P3: the model reaches memory only while the driver allows it to be
/// bus master. P4: interrupts are said by <see cref="OnMsi"/> and <see cref="OnIntx"/> as <see cref="PciInterrupts"/> lets them through.</para>
/// <para>Threads: any.</para>
/// <para>Teardown: ends the model first, then gives the memory back; never fails.</para>
/// </remarks>
public sealed partial class PciFunction : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IPciDeviceModel _model;
    private readonly PciConfigSpace _config;
    private readonly PciInterrupts _interrupts;
    private readonly SharedMemory?[] _barMemory = new SharedMemory?[PciBar.Count];
    private readonly int[] _mappings = new int[PciBar.Count];
    private readonly Action<Fault>? _onFault;
    private readonly PciEmulatedMemory? _emulated;
    private volatile bool _isBusMaster;
    private bool _disposed;

    /// <summary>Makes a function and connects its model.</summary>
    /// <param name="model">The model, which the function owns from now on; also when this throws.</param>
    /// <param name="port">The way to memory; outlives the function.</param>
    /// <param name="onFault">Receives the faults of the device, on its threads; or null.</param>
    /// <exception cref="ArgumentException">The layout breaks a rule.</exception>
    /// <exception cref="IOException">There is no memory for a mappable BAR.</exception>
    public PciFunction(IPciDeviceModel model, DmaPort port, Action<Fault>? onFault = null)
        : this(model, port, emulated: null, onFault)
    {
    }

    /// <summary>Makes a function whose model may have another way to memory than the port.</summary>
    internal PciFunction(IPciDeviceModel model, DmaPort port, PciEmulatedMemory? emulated, Action<Fault>? onFault)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(port);
        _model = model;
        _emulated = emulated;
        _onFault = onFault;
        Port = port;
        Layout = model.Layout;
        try
        {
            Layout.Check();
            _config = new PciConfigSpace(Layout);
            _interrupts = new PciInterrupts(Layout);
            foreach (PciBar bar in Layout.Bars)
            {
                _barMemory[bar.Index] = bar.IsMappable ? SharedMemory.CreateFixed($"fastiova-bar{bar.Index}", bar.Bytes) : null;
            }

            ApplyConfig();
            model.Connect(new Host(this));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the function looks like.</summary>
    public PciFunctionLayout Layout { get; }

    /// <summary>The way to memory.</summary>
    public DmaPort Port { get; }

    /// <summary>Receives each message that leads out, by its vector. Called under a lock: be short, and do not call the function.</summary>
    public Action<int>? OnMsi
    {
        get => _interrupts.OnMsi;
        set => _interrupts.OnMsi = value;
    }

    /// <summary>Receives each change of the level of the pin that leads out. Called under a lock: be short, and do not call the function.</summary>
    public Action<bool>? OnIntx
    {
        get => _interrupts.OnIntx;
        set => _interrupts.OnIntx = value;
    }

    /// <summary>The level of the pin that leads out now.</summary>
    public bool IsIntxAsserted => _interrupts.IsAsserted;

    /// <summary>Whether the driver allows the device to access memory.</summary>
    public bool IsBusMaster => _isBusMaster;

    /// <summary>Whether memory BARs answer.</summary>
    public bool IsMemoryEnabled => (Command & PciRegister.CommandMemory) != 0 && IsPowered;

    /// <summary>Whether I/O BARs answer.</summary>
    public bool IsIoEnabled => (Command & PciRegister.CommandIo) != 0 && IsPowered;

    /// <summary>The virtual machine of the driver, for the model to see.</summary>
    internal object? VirtualMachine { get; set; }

    private int Command => _config.Word(PciRegister.Command);

    private bool IsPowered => _config.Power == 0 || (_config.Word(_config.Power + 4) & 3) == 0;

    /// <summary>Resets the function: configuration space, interrupts, model. When this returns, no DMA of the time before goes on.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _config.Reset();
            ApplyConfig();
            if (!_disposed)
            {
                _model.Reset();
            }

            // After the model, which may have raised something while it ended.
            _interrupts.Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _isBusMaster = false;
            _model.Dispose();
            foreach (SharedMemory? memory in _barMemory)
            {
                memory?.Dispose();
            }
        }
    }

    private sealed class Host(PciFunction function) : PciDeviceHost
    {
        public override DmaPort Port => function.Port;

        public override bool IsEmulated => function._emulated is not null;

        public override bool IsBusMaster => function._isBusMaster;

        public override object? VirtualMachine => function.VirtualMachine;

        public override bool UsesMessages => function._interrupts.UsesMessages;

        public override bool ReadMemory(ulong iova, Span<byte> buffer, out Fault fault) =>
            function._emulated is { } memory ? memory.Read(iova, buffer, out fault) : Port.Read(iova, buffer, out fault);

        public override bool WriteMemory(ulong iova, ReadOnlySpan<byte> data, out Fault fault) =>
            function._emulated is { } memory ? memory.Write(iova, data, out fault) : Port.Write(iova, data, out fault);

        public override Fault ExplainMemory(ulong iova, Permission access) => function._emulated?.Explain(iova, access) ?? Port.Explain(iova, access);

        public override void RaiseMsi(int vector) => function._interrupts.Raise(vector);

        public override void SetIntx(bool asserted) => function._interrupts.SetPin(asserted);

        public override Span<byte> BarMemory(int bar) => function._barMemory[bar] is { } memory ? memory.Bytes : default;

        public override void ReportFault(in Fault fault) => function._onFault?.Invoke(fault);
    }
}
