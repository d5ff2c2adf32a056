using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed class PciFunctionTests : IDisposable
{
    private readonly PciFixture _pci = new();

    public void Dispose() => _pci.Dispose();

    [Fact]
    public void TheHeaderSaysWhoItIs()
    {
        Assert.Equal(0xABCD1234u, _pci.Config(0));
        Assert.Equal(0x01080207u, _pci.Config(8));
        Assert.Equal(0x11001AF4u, _pci.Config(0x2C));
        Assert.Equal(0u, _pci.Config(0x0E, 1));
        Assert.Equal(1u, _pci.Config(0x3D, 1));
        Assert.Equal(0x10u, _pci.Config(6, 2));
        _pci.SetConfig(0, 0x11112222);
        Assert.Equal(0xABCD1234u, _pci.Config(0));
    }

    [Fact]
    public void ADriverThatWritesOnesToABarReadsItsLengthBack()
    {
        uint[] sizes = [0xFFFFC004, 0xFFFFFFFF, 0xFFFFFF01, 0xFFFFF008, 0x00000004, 0xFFFFFFFE];
        for (int i = 0; i < sizes.Length; i++)
        {
            _pci.SetConfig(0x10 + (4 * i), uint.MaxValue);
            Assert.Equal(sizes[i], _pci.Config(0x10 + (4 * i)));
        }

        _pci.SetConfig(0x10, 0xFEBD1234);
        Assert.Equal(0xFEBD0004u, _pci.Config(0x10));
    }

    [Fact]
    public void TheChainHasEveryCapabilityOnceAndTheConventionalOneItsReset()
    {
        Assert.All(new byte[] { 0x01, 0x05, 0x11, 0x10 }, id => Assert.NotEqual(0, _pci.Capability(id)));
        Assert.Equal(0, _pci.Capability(0x13));
        using var conventional = new PciFixture(PciFixture.Everything with { IsExpress = false });
        Assert.Equal(0, conventional.Capability(0x10));
        Assert.NotEqual(0, conventional.Capability(0x13));
        using var plain = new PciFixture(new PciFunctionLayout { VendorId = 1, DeviceId = 2 });
        Assert.Equal((0u, 0u), (plain.Config(0x34, 1), plain.Config(6, 2)));
    }

    [Fact]
    public void NothingLiesBeyondTheEndOfTheConfigurationSpace()
    {
        Assert.Equal(0u, _pci.Config(0x100));
        Assert.Equal(uint.MaxValue, _pci.Config(0x1000));
        _pci.SetConfig(0xFFE, uint.MaxValue);
        Assert.Equal(0xFFFF0000u, _pci.Config(0xFFE));
        using var conventional = new PciFixture(PciFixture.Everything with { IsExpress = false });
        Assert.Equal(uint.MaxValue, conventional.Config(0x100));
    }

    [Fact]
    public void BarsAnswerOnlyWhileTheDriverHasEnabledThem()
    {
        Assert.Equal(uint.MaxValue, _pci.Bar(0, 0x10));
        _pci.SetBar(0, 0x10, 1);
        Assert.Empty(_pci.Model.Calls);
        _pci.SetConfig(4, 1, 2);
        Assert.Equal((uint.MaxValue, 0x13121110u), (_pci.Bar(0, 0x10), _pci.Bar(2, 0x10)));
        _pci.SetConfig(4, 2, 2);
        Assert.Equal((0x13121110u, uint.MaxValue), (_pci.Bar(0, 0x10), _pci.Bar(2, 0x10)));
        Assert.Equal((uint.MaxValue, uint.MaxValue), (_pci.Bar(1, 0), _pci.Bar(3, 0x1000)));
        _pci.SetBar(3, 0xFFC, 0x04030201);
        Assert.Equal(["read 2 0x10 4", "read 0 0x10 4", "write 3 0xffc 01020304"], _pci.Model.Calls);
    }

    [Fact]
    public void ALongAccessIsCutIntoAlignedOnes()
    {
        _pci.SetConfig(4, 2, 2);
        byte[] data = new byte[21];
        _pci.Function.ReadBar(0, 0x103, data);
        Assert.Equal(["read 0 0x103 1", "read 0 0x104 4", "read 0 0x108 8", "read 0 0x110 8"], _pci.Model.Calls);
        Assert.Equal(3, data[0]);
        Assert.Equal(0x17, data[20]);
        data = new byte[8];
        _pci.Function.ReadBar(3, 0xFFC, data);
        Assert.Equal("read 3 0xffc 4", _pci.Model.Calls[^1]);
        Assert.Equal(-1, data.AsSpan(4).IndexOfAnyExcept((byte)0xFF));
    }

    [Fact]
    public void TheBusMasterBitAndThePowerStateDecideAboutDma()
    {
        Assert.False(_pci.Host.IsBusMaster);
        _pci.SetConfig(4, 6, 2);
        Assert.True(_pci.Host.IsBusMaster);
        int power = _pci.Capability(0x01);
        _pci.SetConfig(power + 4, 3, 2);
        Assert.False(_pci.Host.IsBusMaster);
        Assert.Equal(uint.MaxValue, _pci.Bar(0, 0));
        _pci.SetConfig(power + 4, 0, 2);
        Assert.True(_pci.Host.IsBusMaster);
        Assert.Equal(0x03020100u, _pci.Bar(0, 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFunctionLevelResetForgetsWhatTheDriverHasSet(bool express)
    {
        using var pci = new PciFixture(PciFixture.Everything with { IsExpress = express });
        pci.SetConfig(4, 7, 2);
        pci.SetConfig(0x10, 0xFEB00000);
        pci.SetBar(0, 0x2000, 0xFEE00000);
        pci.Host.SetIntx(true);
        Assert.Equal([true], pci.Levels);
        if (express)
        {
            pci.SetConfig(pci.Capability(0x10) + 8, 0xA810, 2);
            Assert.Equal(0x2810u, pci.Config(pci.Capability(0x10) + 8, 2));
        }
        else
        {
            pci.SetConfig(pci.Capability(0x13) + 4, 1, 1);
            Assert.Equal(0u, pci.Config(pci.Capability(0x13) + 4, 1));
        }

        Assert.Equal("reset", pci.Model.Calls[^1]);
        Assert.Equal((0u, 4u), (pci.Config(4, 2), pci.Config(0x10)));
        Assert.Equal([true, false], pci.Levels);
        pci.SetConfig(4, 2, 2);
        Assert.Equal((0u, 1u), (pci.Bar(0, 0x2000), pci.Bar(0, 0x200C)));
    }

    [Fact]
    public void TheModelHearsOfTheFirstMappingAndTheEndOfTheLast()
    {
        _pci.Function.BarMapped(0, true);
        _pci.Function.BarMapped(0, true);
        _pci.Function.BarMapped(0, false);
        _pci.Function.BarMapped(3, true);
        _pci.Function.BarMapped(9, true);
        _pci.Function.BarMapped(0, false);
        _pci.Function.BarMapped(0, false);
        Assert.Equal(["mapped 0 True", "mapped 0 False"], _pci.Model.Calls);
    }

    [Fact]
    public void TheMemoryOfAMappableBarIsTheFileThatADriverMaps()
    {
        Assert.Null(_pci.Function.BarFile(3));
        using SharedMemory mapped = SharedMemory.Open(_pci.Function.BarFile(0)!.FileDescriptor);
        _pci.Host.BarMemory(0)[0x1234] = 0x5A;
        Assert.Equal(0x5A, mapped.Bytes[0x1234]);
        Assert.Equal(0x4000, _pci.Host.BarMemory(0).Length);
        Assert.Equal(0, _pci.Host.BarMemory(3).Length);
    }

    [Fact]
    public void AfterItsEndNothingAnswersAndTheModelIsGone()
    {
        _pci.SetConfig(4, 6, 2);
        _pci.Function.Dispose();
        _pci.Function.Dispose();
        Assert.True(_pci.Model.IsDisposed);
        Assert.Equal(uint.MaxValue, _pci.Bar(0, 0));
        Assert.False(_pci.Host.IsBusMaster);
        _pci.Function.Reset();
        Assert.Empty(_pci.Model.Calls);
    }

    [Fact]
    public void ABrokenLayoutEndsTheModelAndSaysWhy()
    {
        using var iommu = new Iommu();
        using DmaPort port = iommu.OpenPort();
        var model = new RegisterModel(PciFixture.Everything with { MsiVectors = 3 });
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new PciFunction(model, port));
        Assert.Contains("3 MSI vectors", refused.Message, StringComparison.Ordinal);
        Assert.True(model.IsDisposed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WhateverADriverWritesTheFixedBitsStay(int seed) => Seeded.Run(seed, random =>
    {
        byte[] ones = new byte[4096];
        byte[] zeros = new byte[4096];
        byte[] now = new byte[4096];
        int reset = _pci.Capability(0x10) + 9;
        for (int at = 0; at < 256; at++)
        {
            _pci.SetConfig(at, at == reset ? 0x7Fu : 0xFF, 1);
        }

        _pci.Function.ReadConfig(0, ones);
        for (int at = 0; at < 256; at++)
        {
            _pci.SetConfig(at, 0, 1);
        }

        _pci.Function.ReadConfig(0, zeros);
        for (int i = 0; i < 2000; i++)
        {
            byte[] data = new byte[random.Next(1, 9)];
            random.NextBytes(data);
            int at = random.Next(0, 300);
            if (reset - at >= 0 && reset - at < data.Length)
            {
                data[reset - at] &= 0x7F;
            }

            _pci.Function.WriteConfig(at, data);
            _pci.Function.ReadConfig(0, now);
            for (int j = 0; j < 256; j++)
            {
                int isFixed = ~(ones[j] ^ zeros[j]);
                Assert.Equal(zeros[j] & isFixed & 0xFF, now[j] & isFixed & 0xFF);
            }

            // Every bit that can change has the value that was written last.
            for (int j = 0; j < data.Length && at + j < 256; j++)
            {
                int changes = ones[at + j] ^ zeros[at + j];
                Assert.Equal(data[j] & changes, now[at + j] & changes);
            }
        }
    });
}
