using System.Buffers.Binary;
using Xunit;

namespace FastIova.Tests;

/// <summary>The code of docs/device-models.md, compiled and run.</summary>
public sealed class DeviceModelSample
{
    [Fact]
    public void TheModelOfTheDocumentationCountsAndWritesMemory() => Drive();

    [Fact]
    public void ItsStateGoesToAnotherOne()
    {
        using var first = new CounterModel();
        using var second = new CounterModel();
        first.WriteBar(0, 0, [7, 0, 0, 0]);
        first.Pause();

        Assert.True(second.TryLoad(first.Save()));
        Assert.False(second.TryLoad([1]));
        byte[] count = new byte[4];
        second.ReadBar(0, 0, count);
        Assert.Equal<byte>([7, 0, 0, 0], count);
    }

    private static void Drive()
    {
        // <page>
        using var engine = new Engine();
        using IommufdContext iommufd = engine.OpenIommufd();
        using DmaPort port = engine.Iommu.OpenPort(new DmaPortOptions { Name = "counter", Device = 0x0100 });
        using IommufdDevice device = iommufd.Bind(port);
        using var function = new PciFunction(new CounterModel(), port, fault => Console.WriteLine(fault));
        using HostMemory memory = HostMemory.Allocate(4096);
        IoasId ioas = iommufd.AllocateIoas();
        device.Attach(ioas);
        ulong iova = iommufd.Map(ioas, memory.Address, 4096, Permission.ReadWrite);

        // A driver: memory and bus master on, then three counts, and the total to memory.
        int messages = 0;
        function.OnMsi = _ => messages++;
        function.EnableMsi(1);
        function.WriteConfig(0x04, [0x06, 0x00]);
        byte[] one = [1, 0, 0, 0];
        function.WriteBar(0, 0x00, one);
        function.WriteBar(0, 0x00, one);
        function.WriteBar(0, 0x00, one);
        function.WriteBar(0, 0x08, BitConverter.GetBytes(iova));
        // </page>
        byte[] written = new byte[4];
        Assert.True(port.Read(iova, written, out _));
        Assert.Equal(3u, BinaryPrimitives.ReadUInt32LittleEndian(written));
        Assert.Equal(1, messages);
    }

    // <page>
    /// <summary>Counts what is written to its first register; an address in its second one receives the count, and a message says so.</summary>
    private sealed class CounterModel : IPciDeviceModel, IPciMigratable
    {
        private PciDeviceHost? _host;
        private uint _count;

        public PciFunctionLayout Layout { get; } = new()
        {
            VendorId = 0x1234,
            DeviceId = 0xC0DE,
            ClassCode = 0x00FF00,
            Bars = [new PciBar { Index = 0, Bytes = 4096, Kind = PciBarKind.Memory32 }],
            MsiVectors = 1,
        };

        public int StateBytesLast => sizeof(uint);

        public void Connect(PciDeviceHost host) => _host = host;

        public void ReadBar(int bar, ulong offset, Span<byte> data)
        {
            data.Clear();
            if (offset == 0 && data.Length == sizeof(uint))
            {
                BinaryPrimitives.WriteUInt32LittleEndian(data, _count);
            }
        }

        public void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data)
        {
            if (offset == 0 && data.Length == sizeof(uint))
            {
                _count += BinaryPrimitives.ReadUInt32LittleEndian(data);
            }
            else if (offset == 8 && data.Length == sizeof(ulong) && _host!.IsBusMaster)
            {
                // By the host, so that the model also works where no IOMMU stands before it.
                if (_host.WriteMemory(BinaryPrimitives.ReadUInt64LittleEndian(data), BitConverter.GetBytes(_count), out Fault fault))
                {
                    _host.RaiseMsi(0);
                }
                else
                {
                    _host.ReportFault(fault);
                }
            }
        }

        public void Reset() => _count = 0;

        // No thread of its own: there is nothing to stop.
        public void Pause()
        {
        }

        public void Continue()
        {
        }

        public byte[] Save() => BitConverter.GetBytes(_count);

        public bool TryLoad(ReadOnlySpan<byte> state)
        {
            bool good = state.Length == sizeof(uint);
            _count = good ? BinaryPrimitives.ReadUInt32LittleEndian(state) : _count;
            return good;
        }

        public void Dispose()
        {
        }
    }

    // </page>
}
