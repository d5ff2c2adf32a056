using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests;

/// <summary>A controller that is driven on the thread of the test, without the model's.</summary>
public sealed class NvmeAllocationTests
{
    private const ulong Base = 0x10_0000;

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(0)]
    [InlineData(0x7F)]
    public void NothingIsAllocatedForACommand(byte opcode)
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        using var memory = HostMemory.Allocate(1 << 20);
        domain.Map(Base, memory.Address, 1 << 20, Permission.ReadWrite);
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        using var space = new NvmeNamespace(new NvmeMemoryMedium(1 << 20), 512, new byte[16]);
        var host = new BareHost(port);
        var controller = new NvmeController(host, space, "serial", 4);
        controller.WriteRegister(0x24, 0x003F003F);
        controller.WriteRegister(0x28, (uint)Base);
        controller.WriteRegister(0x30, (uint)Base + 0x1000);
        controller.WriteRegister(0x14, 0x0046_0001);
        Put(0, Base, 5, Base + 0x3000, 1 | (63 << 16), 1);
        Put(1, Base, 1, Base + 0x2000, 1 | (63 << 16), 1 | (1 << 16));
        Run(0, 2);
        uint tail = 0;
        int failures = 0;
        Burst(200);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Burst(2000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(2UL + 2200, controller.Commands);
        Assert.Equal(opcode == 0x7F ? 2200 : 0, failures);

        void Burst(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Put((int)tail, Base + 0x2000, opcode, Base + 0x8200, 8, 0, 14, Base + 0x9000);
                tail = (tail + 1) % 64;
                Run(1, tail);
                host.Words[(0x1000 / 4) + 3] = tail;
                uint last = BinaryPrimitives.ReadUInt32LittleEndian(memory.Bytes(0x3000 + (((tail + 63) % 64) * 16) + 12, 4));
                failures += last >> 17 == 0 ? 0 : 1;
            }
        }

        void Put(int index, ulong queue, byte command, ulong first, uint word10, uint word11, uint word12 = 0, ulong second = 0)
        {
            Span<byte> words = memory.Bytes(queue - Base + ((ulong)index * 64), 64);
            words.Clear();
            words[0] = command;
            words[4] = 1;
            BinaryPrimitives.WriteUInt64LittleEndian(words[24..], first);
            BinaryPrimitives.WriteUInt64LittleEndian(words[32..], second);
            BinaryPrimitives.WriteUInt32LittleEndian(words[40..], word10);
            BinaryPrimitives.WriteUInt32LittleEndian(words[44..], word11);
            BinaryPrimitives.WriteUInt32LittleEndian(words[48..], word12);
            if (queue == Base + 0x2000)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(words[44..], 0);
            }
        }

        void Run(int queue, uint to)
        {
            host.Words[(0x1000 / 4) + (2 * queue)] = to;
            int wanted = 0;
            while (controller.Turn(ref wanted))
            {
            }
        }
    }

    private sealed class BareHost(DmaPort port) : PciDeviceHost
    {
        private readonly byte[] _bar = new byte[16 << 10];

        public override DmaPort Port => port;

        public override bool IsBusMaster => true;

        public override bool UsesMessages => true;

        internal Span<uint> Words => MemoryMarshal.Cast<byte, uint>(_bar.AsSpan());

        public override void RaiseMsi(int vector)
        {
        }

        public override void SetIntx(bool asserted)
        {
        }

        public override Span<byte> BarMemory(int bar) => _bar;

        public override void ReportFault(in Fault fault) => throw new InvalidOperationException(fault.ToString());
    }
}
