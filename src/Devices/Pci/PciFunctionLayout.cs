namespace FastIova;

/// <summary>What a PCI function is to a driver that looks at it: identity, BARs, capabilities.</summary>
/// <remarks>Nothing is checked while it is built; <see cref="Check"/> names the first rule that is broken. A function checks its layout when it is made.</remarks>
public sealed record PciFunctionLayout
{
    /// <summary>The vendor.</summary>
    public required ushort VendorId { get; init; }

    /// <summary>The device, as its vendor numbers it.</summary>
    public required ushort DeviceId { get; init; }

    /// <summary>The vendor of the board.</summary>
    public ushort SubsystemVendorId { get; init; }

    /// <summary>The board.</summary>
    public ushort SubsystemId { get; init; }

    /// <summary>The revision.</summary>
    public byte Revision { get; init; }

    /// <summary>Base class, subclass and programming interface: 24 bits.</summary>
    public uint ClassCode { get; init; }

    /// <summary>The BARs, at most six.</summary>
    public IReadOnlyList<PciBar> Bars { get; init; } = [];

    /// <summary>Whether the function has an interrupt pin.</summary>
    public bool HasIntx { get; init; }

    /// <summary>The MSI vectors: 0 for no capability, else 1, 2, 4, 8, 16 or 32.</summary>
    public int MsiVectors { get; init; }

    /// <summary>The MSI-X vectors, or null for no capability.</summary>
    public PciMsix? Msix { get; init; }

    /// <summary>Whether it is a PCI Express function: a configuration space of 4096 bytes and a PCI Express capability.</summary>
    public bool IsExpress { get; init; }

    /// <summary>Whether a driver can reset the function alone.</summary>
    public bool HasFunctionLevelReset { get; init; }

    /// <summary>Whether it has a power management capability.</summary>
    public bool HasPowerManagement { get; init; }

    /// <summary>The bytes of the configuration space.</summary>
    public int ConfigBytes => IsExpress ? 4096 : 256;

    /// <summary>The BAR with a number, or null.</summary>
    /// <param name="index">Any number.</param>
    /// <returns>The BAR.</returns>
    public PciBar? Bar(int index)
    {
        foreach (PciBar bar in Bars)
        {
            if (bar.Index == index)
            {
                return bar;
            }
        }

        return null;
    }

    /// <summary>Checks every rule.</summary>
    /// <exception cref="ArgumentException">A rule is broken: the message names the value, the rule and the remedy.</exception>
    public void Check()
    {
        if (VendorId is 0xFFFF or 0)
        {
            throw Broken($"Vendor 0x{VendorId:x4} means that no function is there: use a vendor between 1 and 0xfffe.");
        }

        if (ClassCode >> 24 != 0)
        {
            throw Broken($"Class code 0x{ClassCode:x} has more than 24 bits: give base class, subclass and programming interface, one byte each.");
        }

        if (MsiVectors is not (0 or 1 or 2 or 4 or 8 or 16 or 32))
        {
            throw Broken($"{MsiVectors} MSI vectors cannot be said in a capability: use 0, 1, 2, 4, 8, 16 or 32.");
        }

        int taken = 0;
        foreach (PciBar bar in Bars)
        {
            taken = CheckBar(bar, taken);
        }

        if (Msix is { } msix)
        {
            CheckMsix(msix);
        }
    }

    private static int CheckBar(PciBar bar, int taken)
    {
        int last = bar.Kind == PciBarKind.Memory64 ? bar.Index + 1 : bar.Index;
        if (bar.Index < 0 || last >= PciBar.Count)
        {
            throw Broken($"BAR {bar.Index} ({bar.Kind}) needs registers up to {last}: they are numbered 0 to 5, and 64-bit memory takes two.");
        }

        int bits = (1 << bar.Index) | (1 << last);
        if ((taken & bits) != 0)
        {
            throw Broken($"BAR {bar.Index} ({bar.Kind}) takes a register that another BAR has: give each an index of its own, and 64-bit memory two.");
        }

        ulong least = bar.IsMappable ? 4096UL : bar.IsMemory ? 16UL : 4UL;
        ulong most = bar.Kind switch
        {
            PciBarKind.Io => 256,
            PciBarKind.Memory32 => bar.IsMappable ? 1UL << 30 : 1UL << 31,
            _ => bar.IsMappable ? 1UL << 30 : 1UL << 62,
        };
        if (!ulong.IsPow2(bar.Bytes) || bar.Bytes < least || bar.Bytes > most)
        {
            throw Broken($"BAR {bar.Index} ({bar.Kind}{(bar.IsMappable ? ", mappable" : string.Empty)}) has 0x{bar.Bytes:x} bytes: use a power of two from 0x{least:x} to 0x{most:x}.");
        }

        if (!bar.IsMemory && (bar.IsMappable || bar.IsPrefetchable))
        {
            throw Broken($"BAR {bar.Index} stands for I/O ports: they can be neither mapped nor prefetched; use memory.");
        }

        return taken | bits;
    }

    private void CheckMsix(PciMsix msix)
    {
        if (msix.Vectors is < 1 or > PciMsix.VectorsMost)
        {
            throw Broken($"{msix.Vectors} MSI-X vectors do not fit a table: use 1 to {PciMsix.VectorsMost}, or no Msix at all.");
        }

        CheckPlace("table", msix.TableBar, msix.TableOffset, msix.TableBytes);
        CheckPlace("pending bits", msix.PbaBar, msix.PbaOffset, msix.PbaBytes);
        if (msix.TableBar == msix.PbaBar && msix.TableOffset < msix.PbaOffset + msix.PbaBytes && msix.PbaOffset < msix.TableOffset + msix.TableBytes)
        {
            throw Broken($"The MSI-X table at 0x{msix.TableOffset:x} and the pending bits at 0x{msix.PbaOffset:x} of BAR {msix.TableBar} overlap: move one of them.");
        }
    }

    private void CheckPlace(string what, int index, ulong offset, ulong bytes)
    {
        if (Bar(index) is not { IsMemory: true } bar)
        {
            throw Broken($"The MSI-X {what} shall lie in BAR {index}, which is no memory: name a memory BAR.");
        }

        if (offset % 8 != 0 || offset > bar.Bytes || bytes > bar.Bytes - offset || offset > uint.MaxValue)
        {
            throw Broken($"The MSI-X {what}, 0x{bytes:x} bytes from 0x{offset:x}, must begin at a multiple of eight and end inside BAR {index} of 0x{bar.Bytes:x} bytes.");
        }
    }

#pragma warning disable MA0015 // the layout is what is wrong, and the message names the part of it
    private static ArgumentException Broken(string message) => new(message);
#pragma warning restore MA0015 // see above
}
