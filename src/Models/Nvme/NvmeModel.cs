using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>An NVMe 1.4 controller (1b36:0010) with one namespace, in memory or in an image.</summary>
/// <remarks>
/// <para>Owns: the controller, its namespace, the thread that carries out commands.</para>
/// <para>Invariants. V1: a doorbell that a driver writes by a call is remembered and the thread woken; the call does not wait for commands.
/// V2: whatever else a driver writes by a call is done when the call returns, after the command that is being carried out. V3: while the BAR is
/// mapped the thread looks for registers and doorbells in its memory: each millisecond at the latest, all the time while commands come. V4: a
/// read or write that ends in a fault may have moved the data before the fault, as on a bus. V5: a fault goes to the host as well as to the driver.</para>
/// <para>Threads: as <see cref="IPciDeviceModel"/>.</para>
/// </remarks>
public sealed class NvmeModel : IPciDeviceModel
{
    internal const ushort Vendor = 0x1B36;
    internal const ushort SubsystemVendor = 0x1AF4;

    private const int BarBytes = 16 << 10;
    private const int TableOffset = 0x2000;
    private const int PendingOffset = 0x3000;
    private const int LargestBlock = 4096;

    private static int _models;

    private readonly Lock _gate = new();
    private readonly NvmeNamespace _namespace;
    private readonly string _serial;
    private readonly int _ioQueues;
    private PciDeviceHost? _host;
    private NvmeController? _controller;
    private ModelThread? _thread;
    private bool _isMapped;
    private int _wanted;

    /// <summary>Makes a controller.</summary>
    /// <param name="options">Its options.</param>
    /// <exception cref="ArgumentException">An option breaks a rule; the message names it.</exception>
    /// <exception cref="IOException">The image cannot be opened, or another model has it.</exception>
    /// <exception cref="UnauthorizedAccessException">The image may not be read and written.</exception>
    public NvmeModel(NvmeModelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        _ioQueues = options.IoQueues;
        _serial = options.Serial ?? $"FASTIOVA-{Environment.ProcessId}-{Interlocked.Increment(ref _models)}";
        NvmeMedium medium = options.ImagePath is { } path ? new NvmeFileMedium(path, LargestBlock) : new NvmeMemoryMedium(options.MemoryBytes);
        _namespace = new NvmeNamespace(medium, options.BlockBytes, Identity(_serial));
        Layout = new PciFunctionLayout
        {
            VendorId = Vendor,
            DeviceId = 0x0010,
            SubsystemVendorId = SubsystemVendor,
            SubsystemId = 0x1100,
            Revision = 2,
            ClassCode = 0x010802,
            Bars = [new PciBar { Index = 0, Bytes = BarBytes, Kind = PciBarKind.Memory64, IsMappable = true }],
            HasIntx = true,
            Msix = new PciMsix { Vectors = _ioQueues + 1, TableBar = 0, TableOffset = TableOffset, PbaBar = 0, PbaOffset = PendingOffset },
            IsExpress = true,
            HasFunctionLevelReset = true,
            HasPowerManagement = true,
        };
    }

    /// <inheritdoc/>
    public PciFunctionLayout Layout { get; }

    /// <summary>The commands that were carried out, of all queues.</summary>
    public ulong Commands
    {
        get
        {
            using Turnstile turn = Enter();
            return _controller?.Commands ?? 0;
        }
    }

    /// <summary>The pages that were looked up for them.</summary>
    public ulong Translations
    {
        get
        {
            using Turnstile turn = Enter();
            return _controller?.Translations ?? 0;
        }
    }

    /// <inheritdoc/>
    public void Connect(PciDeviceHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _controller = new NvmeController(host, _namespace, _serial, _ioQueues);
        _thread = new ModelThread("nvme", Turn);
    }

    /// <inheritdoc/>
    public void ReadBar(int bar, ulong offset, Span<byte> data)
    {
        data.Clear();
        if (offset >= NvmeRegister.End)
        {
            return;
        }

        // A register of 64 bits that is read whole is read in one go.
        using Turnstile turn = Enter();
        Span<byte> words = stackalloc byte[2 * sizeof(uint)];
        int first = (int)offset & ~3;
        BinaryPrimitives.WriteUInt32LittleEndian(words, _controller!.ReadRegister(first));
        BinaryPrimitives.WriteUInt32LittleEndian(words[4..], _controller.ReadRegister(first + 4));
        words.Slice((int)offset & 3, data.Length).CopyTo(data);
    }

    /// <inheritdoc/>
    public void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        if (data.Length < sizeof(uint))
        {
            return; // registers take words only
        }

        for (int done = 0; done < data.Length; done += sizeof(uint))
        {
            uint value = BinaryPrimitives.ReadUInt32LittleEndian(data[done..]);
            int at = (int)offset + done;
            if (at < NvmeRegister.End)
            {
                using Turnstile turn = Enter();
                _controller!.WriteRegister(at, value);
            }
            else if (at is >= NvmeRegister.Doorbells and < TableOffset)
            {
                Ring((at - NvmeRegister.Doorbells) / sizeof(uint), value);
            }
        }
    }

    /// <inheritdoc/>
    public void Reset()
    {
        using Turnstile turn = Enter();
        _controller!.Reset();
    }

    /// <inheritdoc/>
    public void BarMapped(int bar, bool isMapped)
    {
        using (Enter())
        {
            _isMapped = isMapped;
        }

        _thread!.Polls = isMapped;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _thread?.Dispose();
        _namespace.Dispose();
    }

    private void Ring(int doorbell, uint value)
    {
        int queue = doorbell / 2;
        bool completion = doorbell % 2 != 0;
        if (!_controller!.HasDoorbell(queue, completion))
        {
            using Turnstile turn = Enter();
            _controller.ReportDoorbell(NvmeEvents.WrongDoorbell);
            _thread!.Wake();
            return;
        }

        Volatile.Write(ref MemoryMarshal.Cast<byte, uint>(_host!.BarMemory(0))[NvmeController.DoorbellOf(queue, completion)], value);
        if (!completion)
        {
            _thread!.Wake();
            return;
        }

        // Pairs with the fence after which the controller says that it waits: one of the two sees the other.
        Interlocked.MemoryBarrier();
        if (_controller.AwaitsHead(queue))
        {
            _thread!.Wake();
        }
    }

    private bool Turn()
    {
        // Whoever waits for the lock goes first; without this the thread would take it again and again.
        var spin = default(SpinWait);
        while (Volatile.Read(ref _wanted) != 0)
        {
            spin.SpinOnce();
        }

        lock (_gate)
        {
            if (_isMapped)
            {
                _controller!.Look();
            }

            return _controller!.Turn(ref _wanted);
        }
    }

    /// <summary>Sixteen bytes that follow from a serial number: its FNV-1a hash. Nothing is secret here, and a cryptographic one would load OpenSSL into the process.</summary>
    private static byte[] Identity(string serial)
    {
        var prime = new UInt128(0x1000000, 0x13B);
        var hash = new UInt128(0x6C62272E07BB0142, 0x62B821756295C58D);
        foreach (char character in serial)
        {
            hash = unchecked((hash ^ character) * prime);
        }

        byte[] identity = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(identity, hash);
        return identity;
    }

    private Turnstile Enter() => new(this);

    /// <summary>The time in which a call has the controller. What a driver has written to a mapped BAR before is done first, and what comes of the call shown.</summary>
    private readonly ref struct Turnstile : IDisposable
    {
        private readonly NvmeModel _model;

        internal Turnstile(NvmeModel model)
        {
            _model = model;
            _ = Interlocked.Increment(ref model._wanted);
            model._gate.Enter();
            _ = Interlocked.Decrement(ref model._wanted);
            if (model._isMapped)
            {
                model._controller!.Look();
            }
        }

        public void Dispose()
        {
            if (_model._isMapped)
            {
                _model._controller!.Show();
            }

            _model._gate.Exit();
        }
    }
}
