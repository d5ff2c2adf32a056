using System.Buffers.Binary;
using System.Numerics;

namespace FastIova;

/// <summary>The bytes of a function's configuration space, and which of their bits a driver can change.</summary>
/// <remarks>
/// Owns: the bytes, the writable bits and the state after a reset.
/// Invariant: a bit that is not writable always has the value of the layout; capabilities are chained in the order of their ids here: PM, MSI,
/// MSI-X, PCI Express, or advanced features for the reset of a conventional function.
/// Threads: the function's, under its lock; single bytes may be read by any.
/// </remarks>
internal sealed class PciConfigSpace
{
    private readonly byte[] _bytes;
    private readonly byte[] _writable;
    private readonly byte[] _initial;
    private int _free = PciRegister.FirstCapability;
    private int _lastLink = PciRegister.Capabilities;

    internal PciConfigSpace(PciFunctionLayout layout)
    {
        _bytes = new byte[layout.ConfigBytes];
        _writable = new byte[layout.ConfigBytes];
        AddHeader(layout);
        foreach (PciBar bar in layout.Bars)
        {
            AddBar(bar);
        }

        Power = layout.HasPowerManagement ? AddPower() : 0;
        Msi = layout.MsiVectors != 0 ? AddMsi(layout.MsiVectors) : 0;
        Msix = layout.Msix is { } msix ? AddMsix(msix) : 0;
        Express = layout.IsExpress ? AddExpress(layout.HasFunctionLevelReset) : 0;
        AdvancedFeatures = !layout.IsExpress && layout.HasFunctionLevelReset ? AddAdvancedFeatures() : 0;
        _initial = (byte[])_bytes.Clone();
    }

    /// <summary>Where the capabilities begin; zero for one that is not there.</summary>
    internal int Power { get; }

    internal int Msi { get; }

    internal int Msix { get; }

    internal int Express { get; }

    internal int AdvancedFeatures { get; }

    internal int Bytes => _bytes.Length;

    internal void Read(int offset, Span<byte> data) => _bytes.AsSpan(offset, data.Length).CopyTo(data);

    /// <summary>Changes the writable bits.</summary>
    internal void Write(int offset, ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            byte mask = _writable[offset + i];
            _bytes[offset + i] = (byte)((_bytes[offset + i] & ~mask) | (data[i] & mask));
        }
    }

    internal ushort Word(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(offset));

    internal uint Double(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(offset));

    /// <summary>Changes a word, whatever a driver may do to it.</summary>
    internal void SetWord(int offset, int value) => BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(offset), (ushort)value);

    /// <summary>Forgets everything that a driver has written.</summary>
    internal void Reset() => _initial.CopyTo(_bytes, 0);

    private void AddHeader(PciFunctionLayout layout)
    {
        SetWord(PciRegister.Vendor, layout.VendorId);
        SetWord(PciRegister.Device, layout.DeviceId);
        int command = PciRegister.CommandBusMaster | PciRegister.CommandParity | PciRegister.CommandSystemError;
        command |= layout.HasIntx ? PciRegister.CommandIntxDisable : 0;
        foreach (PciBar bar in layout.Bars)
        {
            command |= bar.IsMemory ? PciRegister.CommandMemory : PciRegister.CommandIo;
        }

        Allow(PciRegister.Command, 2, (uint)command);
        Set(PciRegister.Revision, 4, (layout.ClassCode << 8) | layout.Revision);
        Allow(PciRegister.CacheLine, 1, 0xFF);
        SetWord(PciRegister.SubsystemVendor, layout.SubsystemVendorId);
        SetWord(PciRegister.Subsystem, layout.SubsystemId);
        Allow(PciRegister.InterruptLine, 1, 0xFF);
        _bytes[PciRegister.InterruptPin] = (byte)(layout.HasIntx ? 1 : 0);
    }

    // The bits of an address below its length stay zero: a driver that writes ones reads the length back.
    private void AddBar(PciBar bar)
    {
        int at = PciRegister.Bars + (bar.Index * 4);
        uint kind = bar.Kind switch
        {
            PciBarKind.Io => 1,
            PciBarKind.Memory64 => 4,
            _ => 0,
        };
        Set(at, 4, kind | (bar.IsPrefetchable ? 8u : 0));
        ulong address = ~(bar.Bytes - 1);
        Allow(at, 4, (uint)address);
        if (bar.Kind == PciBarKind.Memory64)
        {
            Allow(at + 4, 4, (uint)(address >> 32));
        }
    }

    private int AddPower()
    {
        int at = Add(PciRegister.PowerId, 8);
        SetWord(at + 2, 3);
        SetWord(at + 4, 1 << 3); // what the driver has set survives D3hot
        Allow(at + 4, 2, 3);
        return at;
    }

    private int AddMsi(int vectors)
    {
        int at = Add(PciRegister.MsiId, 24);
        SetWord(at + 2, PciRegister.Msi64Bit | PciRegister.MsiMaskable | (BitOperations.Log2((uint)vectors) << 1));
        Allow(at + 2, 2, PciRegister.MsiEnable | 0x70);
        Allow(at + 4, 4, ~3u);
        Allow(at + 8, 4, uint.MaxValue);
        Allow(at + 12, 2, 0xFFFF);
        Allow(at + 16, 4, vectors == 32 ? uint.MaxValue : (1u << vectors) - 1);
        return at;
    }

    private int AddMsix(PciMsix msix)
    {
        int at = Add(PciRegister.MsixId, 12);
        SetWord(at + 2, msix.Vectors - 1);
        Allow(at + 2, 2, PciRegister.MsixEnable | PciRegister.MsixFunctionMask);
        Set(at + 4, 4, (uint)msix.TableOffset | (uint)msix.TableBar);
        Set(at + 8, 4, (uint)msix.PbaOffset | (uint)msix.PbaBar);
        return at;
    }

    private int AddExpress(bool hasReset)
    {
        const int LinkOneLane = 0x11; // 2.5 GT/s, one lane
        int at = Add(PciRegister.ExpressId, 60);
        SetWord(at + 2, 2); // version 2, an endpoint
        Set(at + 4, 4, (1u << 15) | (hasReset ? 1u << 28 : 0));
        SetWord(at + 8, 0x2810); // relaxed ordering, no snoop, 512 bytes a read: what the specification says after a reset
        Allow(at + 8, 2, 0x7FFFu | (hasReset ? (uint)PciRegister.ExpressReset : 0));
        Set(at + 12, 4, LinkOneLane);
        Allow(at + 16, 2, 0x1FB);
        SetWord(at + 18, LinkOneLane);
        Allow(at + 40, 2, 0x1F);
        return at;
    }

    private int AddAdvancedFeatures()
    {
        int at = Add(PciRegister.AdvancedFeaturesId, 8);
        _bytes[at + 2] = 6;
        _bytes[at + 3] = 3; // transactions pending, and the reset
        Allow(at + 4, 1, 1);
        return at;
    }

    private int Add(byte id, int length)
    {
        int at = _free;
        _free += length;
        SetWord(PciRegister.Status, PciRegister.StatusCapabilities);
        _bytes[_lastLink] = (byte)at;
        _lastLink = at + 1;
        _bytes[at] = id;
        return at;
    }

    private void Set(int offset, int length, uint value) => Store(_bytes, offset, length, value);

    private void Allow(int offset, int length, uint bits) => Store(_writable, offset, length, bits);

    private static void Store(byte[] bytes, int offset, int length, uint value)
    {
        for (int i = 0; i < length; i++)
        {
            bytes[offset + i] = (byte)(value >> (i * 8));
        }
    }
}
