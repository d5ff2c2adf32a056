using System.Buffers.Binary;

namespace FastIova;

/// <summary>The configuration space as VFIO lets a driver use it: what belongs to interrupts and resets goes through other calls, or is intercepted.</summary>
/// <remarks>
/// Invariants. C1: MSI-X is enabled by VFIO_DEVICE_SET_IRQS alone, MSI by a driver only while it has set eventfds. C2: the order of a
/// reset in a capability is VFIO's own reset. Threads: any.
/// </remarks>
internal sealed class VfioConfig
{
    /// <summary>The bytes that a reset keeps.</summary>
    internal const int HeaderBytes = 64;

    // Where a machine's firmware would put the first BAR; nobody decodes it.
    private const ulong FirstAddress = 0xC000_0000;
    private const ulong FirstPort = 0xC000;
    private const int FunctionStride = 0x0400_0000;

    private readonly VfioDevice _device;
    private readonly int _msi;
    private readonly int _msix;
    private readonly int _express;
    private readonly int _advancedFeatures;

    internal VfioConfig(VfioDevice device)
    {
        _device = device;
        Span<byte> capability = stackalloc byte[2];
        Span<byte> first = stackalloc byte[1];
        device.Function.ReadConfig(PciRegister.Capabilities, first);
        for (int at = first[0]; at != 0; at = capability[1])
        {
            device.Function.ReadConfig(at, capability);
            _msi = capability[0] == PciRegister.MsiId ? at : _msi;
            _msix = capability[0] == PciRegister.MsixId ? at : _msix;
            _express = capability[0] == PciRegister.ExpressId ? at : _express;
            _advancedFeatures = capability[0] == PciRegister.AdvancedFeaturesId ? at : _advancedFeatures;
        }
    }

    /// <summary>The bytes of it.</summary>
    internal int Bytes => _device.Function.Layout.ConfigBytes;

    /// <summary>The address that stands in a BAR when the device is opened.</summary>
    internal ulong AddressOf(PciBar bar)
    {
        ulong address = bar.IsMemory ? FirstAddress + ((ulong)(_device.Address.Devfn & 15) * FunctionStride) : FirstPort;
        foreach (PciBar before in _device.Function.Layout.Bars)
        {
            if (before.IsMemory == bar.IsMemory && before.Index <= bar.Index)
            {
                address = (address + before.Bytes - 1) & ~(before.Bytes - 1);
                address += before.Index == bar.Index ? 0 : before.Bytes;
            }
        }

        return address;
    }

    /// <summary>Sets what firmware and Linux set before a driver comes: addresses, and that the BARs answer.</summary>
    internal void Enable()
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        int command = 0;
        foreach (PciBar bar in _device.Function.Layout.Bars)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, AddressOf(bar));
            int bytes = bar.Kind == PciBarKind.Memory64 ? sizeof(ulong) : sizeof(uint);
            _device.Function.WriteConfig(PciRegister.Bars + (bar.Index * sizeof(uint)), word[..bytes]);
            command |= bar.IsMemory ? PciRegister.CommandMemory : PciRegister.CommandIo;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(word, (ushort)command);
        _device.Function.WriteConfig(PciRegister.Command, word[..sizeof(ushort)]);
    }

    /// <summary>Reads the header, before a reset.</summary>
    internal void Save(Span<byte> header) => _device.Function.ReadConfig(0, header);

    /// <summary>Writes it back: BARs first, what enables them last.</summary>
    internal void Restore(ReadOnlySpan<byte> header)
    {
        _device.Function.WriteConfig(PciRegister.CacheLine, header[PciRegister.CacheLine..]);
        _device.Function.WriteConfig(PciRegister.Command, header.Slice(PciRegister.Command, sizeof(ushort)));
    }

    /// <summary>A driver reads.</summary>
    internal void Read(int offset, Span<byte> data) => _device.Function.ReadConfig(offset, data);

    /// <summary>A driver writes. Called without the gate of the group.</summary>
    internal void Write(int offset, ReadOnlySpan<byte> data)
    {
        Span<byte> kept = stackalloc byte[1];
        bool resets = false;
        for (int i = 0; i < data.Length;)
        {
            int at = offset + i;
            int length = At(at, _msix, 2, 2) || At(at, _msi, 2, 1) || At(at, _express, 9, 1) || At(at, _advancedFeatures, 4, 1) ? 1 : Plain(at, data.Length - i);
            scoped ReadOnlySpan<byte> piece = data.Slice(i, length);
            i += length;
            if (At(at, _msix, 2, 2))
            {
                continue;
            }

            if (length == 1)
            {
                kept[0] = piece[0];
                piece = kept;
                if (At(at, _msi, 2, 1) && !_device.Interrupts.IsMsi)
                {
                    kept[0] &= unchecked((byte)~PciRegister.MsiEnable);
                }

                int order = At(at, _express, 9, 1) ? PciRegister.ExpressReset >> 8 : At(at, _advancedFeatures, 4, 1) ? 1 : 0;
                resets |= (kept[0] & order) != 0;
                kept[0] &= (byte)~order;
            }

            _device.Function.WriteConfig(at, piece);
        }

        if (resets && _device.CanReset)
        {
            lock (_device.Group.Gate)
            {
                _device.Reset();
            }
        }

        _device.DmaBufs.Settle();
    }

    // How many bytes from here on are nobody's but the function's: whole registers, so that it sees what the driver wrote at once.
    private int Plain(int at, int length)
    {
        int end = 1;
        while (end < length && ((at + end) & 3) != 0 && !At(at + end, _msix, 2, 2) && !At(at + end, _msi, 2, 1) && !At(at + end, _express, 9, 1) && !At(at + end, _advancedFeatures, 4, 1))
        {
            end++;
        }

        return end;
    }

    private static bool At(int place, int capability, int offset, int length) =>
        capability != 0 && place >= capability + offset && place < capability + offset + length;
}
