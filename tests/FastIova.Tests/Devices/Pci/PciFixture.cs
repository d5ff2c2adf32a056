using System.Buffers.Binary;

namespace FastIova.Tests;

/// <summary>A function with every ability over a <see cref="RegisterModel"/>, and what came out of it.</summary>
internal sealed class PciFixture : IDisposable
{
    internal static readonly PciFunctionLayout Everything = new()
    {
        VendorId = 0x1234,
        DeviceId = 0xABCD,
        SubsystemVendorId = 0x1AF4,
        SubsystemId = 0x1100,
        Revision = 7,
        ClassCode = 0x010802,
        Bars =
        [
            new PciBar { Index = 0, Bytes = 0x4000, Kind = PciBarKind.Memory64, IsMappable = true },
            new PciBar { Index = 2, Bytes = 0x100, Kind = PciBarKind.Io },
            new PciBar { Index = 3, Bytes = 0x1000, Kind = PciBarKind.Memory32, IsPrefetchable = true },
            new PciBar { Index = 4, Bytes = 1UL << 33, Kind = PciBarKind.Memory64 },
        ],
        HasIntx = true,
        MsiVectors = 4,
        Msix = new PciMsix { Vectors = 70, TableBar = 0, TableOffset = 0x2000, PbaBar = 0, PbaOffset = 0x3000 },
        IsExpress = true,
        HasFunctionLevelReset = true,
        HasPowerManagement = true,
    };

    private readonly Iommu _iommu = new();
    private readonly DmaPort _port;

    internal PciFixture(PciFunctionLayout? layout = null)
    {
        Model = new RegisterModel(layout ?? Everything);
        _port = _iommu.OpenPort();
        Function = new PciFunction(Model, _port, Faults.Add) { OnMsi = Messages.Add, OnIntx = Levels.Add };
    }

    internal RegisterModel Model { get; }

    internal PciFunction Function { get; }

    internal List<int> Messages { get; } = [];

    internal List<bool> Levels { get; } = [];

    internal List<Fault> Faults { get; } = [];

    internal PciDeviceHost Host => Model.Host!;

    public void Dispose()
    {
        Function.Dispose();
        _port.Dispose();
        _iommu.Dispose();
    }

    internal uint Config(int offset, int length = 4)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes.Clear();
        Function.ReadConfig(offset, bytes[..length]);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    internal void SetConfig(int offset, uint value, int length = 4)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Function.WriteConfig(offset, bytes[..length]);
    }

    internal uint Bar(int bar, ulong offset)
    {
        Span<byte> bytes = stackalloc byte[4];
        Function.ReadBar(bar, offset, bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    internal void SetBar(int bar, ulong offset, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Function.WriteBar(bar, offset, bytes);
    }

    /// <summary>Where a capability begins; zero when the chain does not have it.</summary>
    internal int Capability(byte id)
    {
        for (int at = (int)Config(0x34, 1); at != 0; at = (int)Config(at + 1, 1))
        {
            if (Config(at, 1) == id)
            {
                return at;
            }
        }

        return 0;
    }
}
