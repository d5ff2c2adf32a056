using System.Buffers.Binary;
using Xunit;

namespace FastIova.Tests;

/// <summary>A model behind a PCI function, with memory that it can reach: IOVA <see cref="Base"/> and the following are the host's memory.</summary>
internal sealed class DeviceFixture : IDisposable
{
    internal const ulong Base = 0x10_0000;
    internal const ulong MemoryBytes = 16 << 20;
    internal const ulong PageBytes = 4096;

    private readonly Lock _gate = new();
    private readonly List<Fault> _faults = [];
    private readonly int[] _messages = new int[128];
    private readonly SharedMemory?[] _mapped = new SharedMemory?[PciBar.Count];

    internal DeviceFixture(IPciDeviceModel model)
    {
        Domain = Iommu.CreateDomain();
        Domain.Map(Base, Memory.Address, MemoryBytes, Permission.ReadWrite);
        Port = Iommu.OpenPort(new DmaPortOptions { Name = "device", Device = 0x100 });
        Port.Attach(Domain);
        Function = new PciFunction(model, Port, OnFault) { OnMsi = vector => Interlocked.Increment(ref _messages[vector]) };
        SetConfig(4, 7);
    }

    internal Iommu Iommu { get; } = new();

    internal Domain Domain { get; }

    internal DmaPort Port { get; }

    internal HostMemory Memory { get; } = HostMemory.Allocate(MemoryBytes);

    internal PciFunction Function { get; }

    internal Fault[] Faults
    {
        get
        {
            lock (_gate)
            {
                return [.. _faults];
            }
        }
    }

    public void Dispose()
    {
        foreach (SharedMemory? memory in _mapped)
        {
            memory?.Dispose();
        }

        Function.Dispose();
        Port.Dispose();
        Domain.Dispose();
        Assert.Equal(0, Iommu.OpenPorts);
        Iommu.Dispose();
        Memory.Dispose();
    }

    internal static void Await(Func<bool> condition, string what) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)), $"In time: {what}.");

    internal int MessagesOf(int vector) => Volatile.Read(ref _messages[vector]);

    internal void SetConfig(int offset, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        Function.WriteConfig(offset, bytes);
    }

    /// <summary>Where a capability begins; zero when the chain does not have it.</summary>
    internal int Capability(byte id)
    {
        Span<byte> two = stackalloc byte[2];
        Function.ReadConfig(0x34, two[..1]);
        for (int at = two[0]; at != 0; at = two[1])
        {
            Function.ReadConfig(at, two);
            if (two[0] == id)
            {
                return at;
            }
        }

        return 0;
    }

    internal uint Read32(ulong offset, int bar = 0)
    {
        Span<byte> bytes = stackalloc byte[4];
        Function.ReadBar(bar, offset, bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    internal ulong Read64(ulong offset)
    {
        Span<byte> bytes = stackalloc byte[8];
        Function.ReadBar(0, offset, bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    internal void Write32(ulong offset, uint value, int bar = 0)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Function.WriteBar(bar, offset, bytes);
    }

    internal void Write64(ulong offset, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Function.WriteBar(0, offset, bytes);
    }

    /// <summary>The memory of a BAR as a driver that has mapped it sees it.</summary>
    internal Span<byte> Mapped(int bar)
    {
        if (_mapped[bar] is null)
        {
            _mapped[bar] = SharedMemory.Open(Function.BarFile(bar)!.FileDescriptor);
            Function.BarMapped(bar, true);
        }

        return _mapped[bar]!.Bytes;
    }

    internal void Unmap(int bar)
    {
        Function.BarMapped(bar, false);
        _mapped[bar]!.Dispose();
        _mapped[bar] = null;
    }

    /// <summary>Host memory by its IOVA.</summary>
    internal Span<byte> At(ulong iova, int length) => Memory.Bytes(iova - Base, length);

    private void OnFault(Fault fault)
    {
        lock (_gate)
        {
            _faults.Add(fault);
        }
    }
}
