using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>struct fi_pci_layout: what a function looks like.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeLayout
{
    /// <summary>FI_PCI_....</summary>
    internal const uint KnownFlags = IntxFlag | ExpressFlag | ResetFlag | PowerFlag;

    private const uint IntxFlag = 1;
    private const uint ExpressFlag = 2;
    private const uint ResetFlag = 4;
    private const uint PowerFlag = 8;
    private const uint PrefetchableFlag = 1;
    private const uint MappableFlag = 2;

    internal uint Size;
    internal ushort VendorId;
    internal ushort DeviceId;
    internal ushort SubsystemVendorId;
    internal ushort SubsystemId;
    internal uint ClassCode;
    internal uint Revision;
    internal uint Flags;
    internal uint MsiVectors;
    internal uint MsixVectors;
    internal uint MsixTableBar;
    internal uint MsixPbaBar;
    internal ulong MsixTableOffset;
    internal ulong MsixPbaOffset;
    internal uint BarCount;
    internal uint Reserved;
    internal BarList Bars;

    /// <summary>What the library calls the same. Its rules are checked by whoever makes a function of it.</summary>
    /// <exception cref="InvalidDataException">There are more BARs than registers, one is of no kind, or a value has more bits than its register.</exception>
    internal readonly PciFunctionLayout ToLayout()
    {
        if (BarCount > PciBar.Count)
        {
            throw new InvalidDataException($"The layout has {BarCount} BARs: a function has {PciBar.Count} at most.");
        }

        if (Revision > byte.MaxValue)
        {
            throw new InvalidDataException($"The revision 0x{Revision:x} has more than 8 bits.");
        }

        return new PciFunctionLayout
        {
            VendorId = VendorId,
            DeviceId = DeviceId,
            SubsystemVendorId = SubsystemVendorId,
            SubsystemId = SubsystemId,
            Revision = (byte)Revision,
            ClassCode = ClassCode,
            HasIntx = (Flags & IntxFlag) != 0,
            IsExpress = (Flags & ExpressFlag) != 0,
            HasFunctionLevelReset = (Flags & ResetFlag) != 0,
            HasPowerManagement = (Flags & PowerFlag) != 0,
            MsiVectors = Narrow(MsiVectors),
            Msix = MsixVectors == 0 ? null : new PciMsix
            {
                Vectors = Narrow(MsixVectors),
                TableBar = Narrow(MsixTableBar),
                TableOffset = MsixTableOffset,
                PbaBar = Narrow(MsixPbaBar),
                PbaOffset = MsixPbaOffset,
            },
            Bars = ToBars(),
        };
    }

    private static int Narrow(uint value) => (int)Math.Min(value, int.MaxValue);

    private readonly PciBar[] ToBars()
    {
        PciBar[] bars = new PciBar[BarCount];
        for (int i = 0; i < bars.Length; i++)
        {
            Bar bar = Bars[i];
            if ((bar.Flags & ~(PrefetchableFlag | MappableFlag)) != 0 || bar.Reserved != 0)
            {
                throw new InvalidDataException($"BAR {bar.Index} has flags that are none, or its reserved field set: use FI_BAR_PREFETCHABLE and FI_BAR_MAPPABLE.");
            }

            bars[i] = new PciBar
            {
                Index = Narrow(bar.Index),
                Kind = bar.Kind <= (uint)PciBarKind.Memory64 ? (PciBarKind)bar.Kind : throw new InvalidDataException($"{bar.Kind} is no kind of BAR: use FI_BAR_IO, FI_BAR_MEMORY32 or FI_BAR_MEMORY64."),
                Bytes = bar.Bytes,
                IsPrefetchable = (bar.Flags & PrefetchableFlag) != 0,
                IsMappable = (bar.Flags & MappableFlag) != 0,
            };
        }

        return bars;
    }

    /// <summary>struct fi_pci_bar.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Bar
    {
        internal uint Index;
        internal uint Kind;
        internal uint Flags;
        internal uint Reserved;
        internal ulong Bytes;
    }

    /// <summary>The BARs of a layout.</summary>
    [InlineArray(PciBar.Count)]
    internal struct BarList
    {
        private Bar _first;
    }
}
