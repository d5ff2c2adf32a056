using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Intel's 82576 (8086:10c9) without a network: what it sends it receives itself, through the loopback of its PHY.</summary>
/// <remarks>
/// <para>The part of the controller that moves memory: one queue each way with legacy and advanced descriptors, address filters for unicast,
/// multicast and broadcast, MSI-X with its causes, masks and vectors, the PHY behind MDI. Not there: the contents of the EEPROM, further
/// queues, offloads, virtual functions, interrupts without MSI-X.</para>
/// <para>Owns: its registers, the thread that moves packets.</para>
/// <para>Invariants. G1: a read that is refused stops the queues until a reset, as the controller waits for a completion that never comes; a
/// write that is refused is lost without its notice, as writes are posted on the bus. G2: while the BAR is mapped its memory shows the registers,
/// and the thread looks for what a driver has written. Writes that one look finds together are obeyed in the order of <see cref="Order"/>: a
/// reset first, doorbells last. G3: registers that only take orders read as zero.</para>
/// <para>Threads: as <see cref="IPciDeviceModel"/>.</para>
/// </remarks>
public sealed partial class IgbModel : IPciDeviceModel
{
    private const int MsixBar = 3;
    private const int MsixBarBytes = 16 << 10;
    private const int PendingOffset = 0x2000;
    private const int Messages = 10;

    // Masks close after they open: what a driver does between two of its packets is open, then close.
    private static readonly int[] Order =
    [
        IgbRegister.Control, IgbRegister.Status, IgbRegister.Eeprom, IgbRegister.ControlExtended, IgbRegister.Mdi, IgbRegister.Express,
        IgbRegister.AddressLow, IgbRegister.AddressHigh,
        IgbRegister.TransmitBase, IgbRegister.TransmitBaseHigh, IgbRegister.TransmitBytes, IgbRegister.TransmitHead, IgbRegister.TransmitQueue,
        IgbRegister.ReceiveBase, IgbRegister.ReceiveBaseHigh, IgbRegister.ReceiveBytes, IgbRegister.ReceiveHead, IgbRegister.ReceiveSplit, IgbRegister.ReceiveQueue,
        IgbRegister.Receive, IgbRegister.Transmit,
        IgbRegister.InterruptEnable, IgbRegister.AutoClear, IgbRegister.AutoMask, IgbRegister.Vectors,
        IgbRegister.Cause, IgbRegister.MaskSet, IgbRegister.MaskClear, IgbRegister.MaskClearAll, IgbRegister.CauseSet,
        IgbRegister.ReceiveTail, IgbRegister.TransmitTail,
    ];

    private readonly Lock _gate = new();
    private readonly uint[] _registers = new uint[IgbRegister.BarBytes / sizeof(uint)];
    private readonly ushort[] _phy = new ushort[32];
    private readonly MappedWords _words = new(IgbRegister.BarBytes / sizeof(uint));
    private PciDeviceHost? _host;
    private DeviceDma? _dma;
    private ModelThread? _thread;
    private bool _isMapped;

    /// <summary>Makes a controller.</summary>
    public IgbModel() => SetInitial();

    /// <inheritdoc/>
    public PciFunctionLayout Layout { get; } = new()
    {
        VendorId = 0x8086,
        DeviceId = 0x10C9,
        SubsystemVendorId = 0x1AF4,
        SubsystemId = 0x1100,
        Revision = 1,
        ClassCode = 0x020000,
        Bars =
        [
            new PciBar { Index = 0, Bytes = IgbRegister.BarBytes, Kind = PciBarKind.Memory32, IsMappable = true },
            new PciBar { Index = MsixBar, Bytes = MsixBarBytes, Kind = PciBarKind.Memory32 },
        ],
        Msix = new PciMsix { Vectors = Messages, TableBar = MsixBar, PbaBar = MsixBar, PbaOffset = PendingOffset },
        IsExpress = true,
        HasFunctionLevelReset = true,
        HasPowerManagement = true,
    };

    private ref uint this[int register] => ref _registers[register / sizeof(uint)];

    /// <inheritdoc/>
    public void Connect(PciDeviceHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
        _dma = new DeviceDma(host);
        _thread = new ModelThread("igb", Turn);
    }

    /// <inheritdoc/>
    public void ReadBar(int bar, ulong offset, Span<byte> data)
    {
        data.Clear();
        if (bar != 0)
        {
            return;
        }

        lock (_gate)
        {
            LookIfMapped();
            Span<byte> words = stackalloc byte[2 * sizeof(uint)];
            int first = (int)offset & ~3;
            BinaryPrimitives.WriteUInt32LittleEndian(words, this[first]);
            BinaryPrimitives.WriteUInt32LittleEndian(words[4..], first + 4 < IgbRegister.BarBytes ? this[first + 4] : 0);
            words.Slice((int)offset & 3, data.Length).CopyTo(data);
        }
    }

    /// <inheritdoc/>
    public void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data)
    {
        if (bar != 0 || data.Length < sizeof(uint))
        {
            return; // registers take words only
        }

        lock (_gate)
        {
            LookIfMapped();
            for (int done = 0; done < data.Length; done += sizeof(uint))
            {
                int register = (int)offset + done;
                if (Array.IndexOf(Order, register) >= 0)
                {
                    Store(register, BinaryPrimitives.ReadUInt32LittleEndian(data[done..]));
                }
            }

            ShowIfMapped();
        }

        _thread!.Wake();
    }

    /// <inheritdoc/>
    public void Reset()
    {
        lock (_gate)
        {
            if (_isMapped)
            {
                // What was written before the reset is gone with it.
                Span<uint> memory = Memory;
                foreach (int register in Order)
                {
                    _words.Take(memory, register / sizeof(uint), out _);
                }
            }

            Array.Clear(_phy);
            SetInitial();
            ShowIfMapped();
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

    private Span<uint> Memory => MemoryMarshal.Cast<byte, uint>(_host!.BarMemory(0));

    private bool Turn()
    {
        lock (_gate)
        {
            LookIfMapped();
            return Move();
        }
    }

    private void SetInitial()
    {
        foreach (int register in Order)
        {
            this[register] = IgbRegister.Initial(register);
        }

        StopQueues();
    }

    private void LookIfMapped()
    {
        if (!_isMapped)
        {
            return;
        }

        // Doorbells are read first: what a driver wrote before it rang is found after.
        Span<uint> memory = Memory;
        Span<uint> values = stackalloc uint[Order.Length];
        ulong written = 0;
        for (int i = Order.Length - 1; i >= 0; i--)
        {
            written |= _words.Take(memory, Order[i] / sizeof(uint), out values[i]) ? 1UL << i : 0;
        }

        for (int i = 0; written != 0; i++, written >>= 1)
        {
            if ((written & 1) != 0)
            {
                Store(Order[i], values[i]);
            }
        }

        ShowIfMapped();
    }

    private void ShowIfMapped()
    {
        if (_isMapped)
        {
            Span<uint> memory = Memory;
            foreach (int register in Order)
            {
                _words.Show(memory, register / sizeof(uint), this[register]);
            }
        }
    }

    private void Store(int register, uint value)
    {
        switch (register)
        {
            case IgbRegister.Control when (value & IgbRegister.ControlReset) != 0:
                SetInitial();
                break;

            case IgbRegister.Control:
                this[register] = value;
                this[IgbRegister.Status] = IgbRegister.Initial(IgbRegister.Status) | ((value & IgbRegister.ControlLinkUp) != 0 ? IgbRegister.StatusLinkUp : 0);
                break;

            case IgbRegister.Status or IgbRegister.Eeprom:
                break; // the device's own

            case IgbRegister.Mdi:
                this[register] = OrderPhy(value);
                break;

            case IgbRegister.CauseSet:
                this[IgbRegister.Cause] |= value;
                Interrupt();
                break;

            case IgbRegister.Cause:
                this[register] &= ~value;
                break;

            case IgbRegister.MaskSet:
                this[register] |= value;
                Interrupt();
                break;

            case IgbRegister.MaskClear:
                this[IgbRegister.MaskSet] &= ~value;
                break;

            case IgbRegister.MaskClearAll:
                break; // masks causes of the kind that is not there

            default:
                this[register] = value;
                break;
        }
    }

    private uint OrderPhy(uint order)
    {
        int register = (int)((order >> 16) & 31);
        if (((order >> 21) & 31) != 1)
        {
            return order | IgbRegister.MdiReady | IgbRegister.MdiError;
        }

        switch (order & IgbRegister.MdiOperation)
        {
            case IgbRegister.MdiWrite:
                _phy[register] = register == 0 ? (ushort)(order & ~(uint)IgbRegister.PhySelfClearing) : (ushort)order;
                break;

            case IgbRegister.MdiRead:
                order = (order & 0xFFFF_0000) | _phy[register];
                break;

            default:
                break;
        }

        return order | IgbRegister.MdiReady;
    }

    private void Raise(int entry)
    {
        uint vector = (this[IgbRegister.Vectors] >> (8 * entry)) & 0xFF;
        if ((vector & IgbRegister.VectorValid) != 0)
        {
            this[IgbRegister.Cause] |= 1u << (int)(vector & 31);
            Interrupt();
        }
    }

    private void Interrupt()
    {
        uint wanted = this[IgbRegister.Cause] & this[IgbRegister.MaskSet];
        if ((this[IgbRegister.InterruptEnable] & IgbRegister.VectorsSeparate) == 0)
        {
            return;
        }

        for (int vector = 0; vector < Messages; vector++)
        {
            uint bit = 1u << vector;
            if ((wanted & bit) != 0)
            {
                this[IgbRegister.Cause] &= ~(bit & this[IgbRegister.AutoClear]);
                if ((this[IgbRegister.InterruptEnable] & IgbRegister.AutoMaskByMessage) != 0)
                {
                    this[IgbRegister.MaskSet] &= ~(bit & this[IgbRegister.AutoMask]);
                }

                _host!.RaiseMsi(vector);
            }
        }
    }
}
