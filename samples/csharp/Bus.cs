using System.Buffers.Binary;
using FastIova;

namespace Emulator;

/// <summary>Something with registers of eight bytes. Every register access comes on the CPU's thread.</summary>
internal interface IBusDevice
{
    ulong Read(ulong register);

    void Write(ulong register, ulong value);
}

/// <summary>Offsets that all devices of this machine share.</summary>
internal static class Registers
{
    /// <summary>A write starts what its value says.</summary>
    internal const ulong Command = 0;
}

/// <summary>Where the CPU finds memory and devices: guest addresses.</summary>
internal sealed class Bus(HostMemory ram)
{
    private readonly List<(ulong First, ulong Length, IBusDevice Device)> _devices = [];

    internal void Add(ulong first, ulong length, IBusDevice device) => _devices.Add((first, length, device));

    internal ulong Read(ulong address)
    {
        foreach ((ulong first, ulong length, IBusDevice device) in _devices)
        {
            if (address - first < length)
            {
                return device.Read(address - first);
            }
        }

        return ram.Contains(address, 8) ? BinaryPrimitives.ReadUInt64LittleEndian(ram.Bytes(address, 8)) : ulong.MaxValue;
    }

    internal void Write(ulong address, ulong value)
    {
        foreach ((ulong first, ulong length, IBusDevice device) in _devices)
        {
            if (address - first < length)
            {
                device.Write(address - first, value);
                return;
            }
        }

        if (ram.Contains(address, 8))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(ram.Bytes(address, 8), value);
        }
    }

    /// <summary>A text in RAM, up to its zero.</summary>
    internal string TextAt(ulong address)
    {
        Span<byte> bytes = ram.Bytes(address, 64);
        int end = bytes.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(bytes[..(end < 0 ? 64 : end)]);
    }
}

/// <summary>A BAR of a PCI function as a range of the bus. Registers of the model have four bytes.</summary>
internal sealed class PciWindow(PciFunction function, int bar) : IBusDevice
{
    public ulong Read(ulong register)
    {
        Span<byte> data = stackalloc byte[4];
        function.ReadBar(bar, register, data);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    public void Write(ulong register, ulong value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, (uint)value);
        function.WriteBar(bar, register, data);
    }
}

/// <summary>Collects what the guest prints.</summary>
internal sealed class GuestConsole : IBusDevice
{
    internal const ulong Number = 8;
    internal const ulong Text = 16;

    internal Bus? Bus { get; set; }

    internal List<string> Lines { get; } = [];

    public ulong Read(ulong register) => 0;

    public void Write(ulong register, ulong value) =>
        Lines.Add(register == Text ? $"text {Bus!.TextAt(value)}" : $"number {value}");
}
