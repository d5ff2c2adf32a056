using System.Text;
using Xunit;

namespace FastIova.Tests;

public sealed class TestDevModelTests : IDisposable
{
    private readonly DeviceFixture _device = new(new TestDevModel());

    public void Dispose() => _device.Dispose();

    [Theory]
    [InlineData(0, 0, "mmio-no-eventfd", 2048u, 0xFAu)]
    [InlineData(0, 1, "mmio-wildcard-eventfd", 2049u, 0xCEu)]
    [InlineData(0, 2, "mmio-datamatch-eventfd", 2050u, 0xFAu)]
    [InlineData(1, 0, "portio-no-eventfd", 131u, 0xFAu)]
    [InlineData(1, 1, "portio-wildcard-eventfd", 132u, 0xCEu)]
    [InlineData(1, 2, "portio-datamatch-eventfd", 133u, 0xFAu)]
    public void EachTestHasItsHeaderAndCountsItsWrites(int bar, byte test, string name, uint offset, uint data)
    {
        Assert.Equal(0u, _device.Read32(0, bar));
        Write(bar, 0, test);
        Span<byte> text = stackalloc byte[name.Length + 1];
        _device.Function.ReadBar(bar, 16, text);
        Assert.Equal(name + "\0", Encoding.ASCII.GetString(text));
        Assert.Equal((0x100u | (uint)((bar * 3) + test), offset, data, 0u), (_device.Read32(0, bar), _device.Read32(4, bar), _device.Read32(8, bar), _device.Read32(12, bar)));
        Write(bar, offset, (byte)data);
        Write(bar, offset, (byte)data);
        Write(bar, offset, 1);
        Write(bar, offset + 1, (byte)data);
        Assert.Equal(test == 1 ? 3u : 2u, _device.Read32(12, bar));
        Write(bar, 0, test);
        Assert.Equal(0u, _device.Read32(12, bar));
    }

    [Fact]
    public void ATestThatThereIsNotEndsTheOneBefore()
    {
        Write(0, 0, 1);
        Write(0, 0, 3);
        Assert.Equal((0u, 0u), (_device.Read32(0), _device.Read32(4)));
        Write(0, 0, 1);
        _device.Function.Reset();
        _device.SetConfig(4, 7);
        Assert.Equal(0u, _device.Read32(4));
    }

    [Fact]
    public void AMappedBarCountsLikeCalls()
    {
        Assert.Equal(0xFF, _device.Mapped(0)[0]);
        _device.Mapped(0)[0] = 1;
        DeviceFixture.Await(() => _device.Read32(4) == 2049, "the test is started");
        _device.Mapped(0)[2049] = 0x77;
        DeviceFixture.Await(() => _device.Mapped(0)[12] == 1, "a write is counted");
        _device.Mapped(0)[2049] = 0x77;
        DeviceFixture.Await(() => _device.Mapped(0)[12] == 2, "and the same again");
        Write(1, 0, 2);
        Assert.Equal(133, _device.Mapped(0)[4]);
        _device.Unmap(0);
    }

    private void Write(int bar, ulong offset, byte value) => _device.Function.WriteBar(bar, offset, [value]);
}
