using System.Buffers.Binary;

namespace FastIova;

/// <summary>What an <see cref="EduModel"/> is made of.</summary>
public sealed record EduModelOptions
{
    /// <summary>The bits of an address that reach the bus: 28 unless told otherwise, as a lesson.</summary>
    public ulong DmaMask { get; init; } = (1UL << 28) - 1;
}

/// <summary>The educational device of QEMU (1234:11e8): a factorial, interrupts and DMA, for those who learn to write drivers.</summary>
/// <remarks>
/// <para>Owns: its registers, a buffer of 4096 bytes, the thread that computes and transfers.</para>
/// <para>Invariants. E1: one computation and one transfer at a time; while one runs, its registers keep what they have. E2: a transfer that
/// cannot be made as a whole writes nothing; what a refused read would have brought is zero. E3: the pin is asserted while a bit of the
/// interrupt status is set, and a message goes out when one is set. E4: while the BAR is mapped its memory shows the registers, and the thread
/// looks for what a driver has written: answers come with its next look, and a register that this specification does not know reads as zero.</para>
/// <para>Threads: as <see cref="IPciDeviceModel"/>.</para>
/// </remarks>
public sealed partial class EduModel : IPciDeviceModel, IPciMigratable
{
    private const int BufferStart = 0x40000;
    private const int BufferBytes = 4096;

    private const int Identification = 0x00;
    private const int Liveness = 0x04;
    private const int Factorial = 0x08;
    private const int Status = 0x20;
    private const int InterruptStatus = 0x24;
    private const int InterruptRaise = 0x60;
    private const int InterruptAcknowledge = 0x64;
    private const int DmaSource = 0x80;
    private const int DmaDestination = 0x88;
    private const int DmaCount = 0x90;
    private const int DmaCommand = 0x98;

    private const uint Identity = 0x010000ED;
    private const uint StatusComputing = 0x01;
    private const uint StatusInterrupt = 0x80;
    private const uint FactorialInterrupt = 0x001;
    private const uint DmaInterrupt = 0x100;
    private const ulong CommandRun = 1;
    private const ulong CommandToMemory = 2;
    private const ulong CommandInterrupt = 4;

    // The work, and the registers; taken in this order.
    private readonly Lock _work = new();
    private readonly Lock _gate = new();
    private readonly EduModelOptions _options;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private PciDeviceHost? _host;
    private DeviceDma? _dma;
    private ModelThread? _thread;
    private bool _isMapped;
    private uint _liveness;
    private uint _factorial;
    private uint _status;
    private uint _interrupts;
    private ulong _source;
    private ulong _destination;
    private ulong _count;
    private ulong _command;

    /// <summary>Makes a device.</summary>
    /// <param name="options">Its options, or null for the defaults.</param>
    public EduModel(EduModelOptions? options = null) => _options = options ?? new EduModelOptions();

    /// <inheritdoc/>
    public PciFunctionLayout Layout { get; } = new()
    {
        VendorId = 0x1234,
        DeviceId = 0x11E8,
        SubsystemVendorId = 0x1AF4,
        SubsystemId = 0x1100,
        Revision = 0x10,
        ClassCode = 0x00FF00,
        Bars = [new PciBar { Index = 0, Bytes = 1 << 20, Kind = PciBarKind.Memory32, IsMappable = true }],
        HasIntx = true,
        MsiVectors = 1,
    };

    /// <inheritdoc/>
    public void Connect(PciDeviceHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _dma = new DeviceDma(host);
        _thread = new ModelThread("edu", Turn);
    }

    /// <inheritdoc/>
    public void ReadBar(int bar, ulong offset, Span<byte> data)
    {
        data.Fill(0xFF);
        if (!IsAllowed(offset, data.Length))
        {
            return;
        }

        lock (_gate)
        {
            LookIfMapped();
            ulong value = offset switch
            {
                Identification => Identity,
                Liveness => _liveness,
                Factorial => _factorial,
                Status => _status,
                InterruptStatus => _interrupts,
                DmaSource => _source,
                DmaDestination => _destination,
                DmaCount => _count,
                DmaCommand => _command,
                _ => ulong.MaxValue,
            };
            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            bytes[..data.Length].CopyTo(data);
        }
    }

    /// <inheritdoc/>
    public void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        if (!IsAllowed(offset, data.Length))
        {
            return;
        }

        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        data.CopyTo(bytes);
        lock (_gate)
        {
            LookIfMapped();
            Store((int)offset, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            ShowIfMapped();
        }
    }

    /// <inheritdoc/>
    public void Reset()
    {
        lock (_work)
        {
            lock (_gate)
            {
                _liveness = _factorial = _status = _interrupts = 0;
                _source = _destination = _count = _command = 0;
                Array.Clear(_buffer);
                _isPaused = false;
                _host?.SetIntx(false);
                ShowIfMapped();
            }
        }
    }

    /// <inheritdoc/>
    public void BarMapped(int bar, bool isMapped)
    {
        lock (_gate)
        {
            _isMapped = isMapped;
            ShowIfMapped();
        }

        _thread!.Polls = isMapped;
    }

    /// <inheritdoc/>
    public void Dispose() => _thread?.Dispose();

    private static bool IsAllowed(ulong offset, int length) => length == 4 || (length == 8 && offset >= DmaSource);

    private void Store(int offset, ulong value)
    {
        bool transfers = (_command & CommandRun) != 0;
        switch (offset)
        {
            case Liveness:
                _liveness = ~(uint)value;
                break;
            case Factorial when (_status & StatusComputing) == 0:
                _factorial = (uint)value;
                _status |= StatusComputing;
                _thread!.Wake();
                break;
            case Status:
                _status = (_status & ~StatusInterrupt) | ((uint)value & StatusInterrupt);
                break;
            case InterruptRaise:
                Raise((uint)value);
                break;
            case InterruptAcknowledge:
                _interrupts &= ~(uint)value;
                _host!.SetIntx(_interrupts != 0);
                break;
            case DmaSource when !transfers:
                _source = value;
                break;
            case DmaDestination when !transfers:
                _destination = value;
                break;
            case DmaCount when !transfers:
                _count = value;
                break;
            case DmaCommand when !transfers && (value & CommandRun) != 0:
                _command = value;
                _thread!.Wake();
                break;
            default:
                break;
        }
    }

    private void Raise(uint bits)
    {
        _interrupts |= bits;
        if (_interrupts != 0)
        {
            _host!.SetIntx(true);
            _host.RaiseMsi(0);
        }
    }

    private bool Turn()
    {
        lock (_work)
        {
            bool computes;
            bool transfers;
            lock (_gate)
            {
                LookIfMapped();
                computes = !_isPaused && (_status & StatusComputing) != 0;
                transfers = !_isPaused && (_command & CommandRun) != 0;
            }

            if (computes)
            {
                Compute();
            }

            if (transfers)
            {
                Transfer();
            }

            return computes || transfers;
        }
    }

    private void Compute()
    {
        // E1: nobody changes the number meanwhile. From 34 on the product is zero modulo 2^32.
        uint product = 1;
        for (uint factor = _factorial; factor > 0 && product != 0; factor--)
        {
            product *= factor;
        }

        lock (_gate)
        {
            _factorial = product;
            _status &= ~StatusComputing;
            if ((_status & StatusInterrupt) != 0)
            {
                Raise(FactorialInterrupt);
            }

            ShowIfMapped();
        }
    }

    private void Transfer()
    {
        bool toMemory = (_command & CommandToMemory) != 0;
        ulong inBuffer = (toMemory ? _source : _destination) - BufferStart;
        if (inBuffer <= BufferBytes && _count <= BufferBytes - inBuffer)
        {
            Span<byte> part = _buffer.AsSpan((int)inBuffer, (int)_count);
            ulong iova = (toMemory ? _destination : _source) & _options.DmaMask;
            if (toMemory)
            {
                _ = _dma!.WriteWhole(iova, part);
            }
            else if (!_dma!.Read(iova, part))
            {
                part[_dma.Transferred..].Clear();
            }
        }

        lock (_gate)
        {
            _command &= ~CommandRun;
            if ((_command & CommandInterrupt) != 0)
            {
                Raise(DmaInterrupt);
            }

            ShowIfMapped();
        }
    }
}
