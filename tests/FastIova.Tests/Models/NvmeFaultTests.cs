using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

/// <summary>DMA that the IOMMU refuses: the driver hears of it, the bus hears of it, and memory is as it was.</summary>
public sealed class NvmeFaultTests : IDisposable
{
    private readonly DeviceFixture _device = new(new NvmeModel(new NvmeModelOptions { MemoryBytes = 4 << 20 }));
    private readonly NvmeDriver _driver;
    private readonly DriverQueue _queue;
    private readonly ulong _data;

    public NvmeFaultTests()
    {
        _driver = new NvmeDriver(_device);
        _driver.Enable();
        _queue = _driver.CreateIoQueue(1, 16);
        _data = _driver.Pages(8);
    }

    public void Dispose() => _device.Dispose();

    [Fact]
    public void DmaOutsideOfEveryMapIsATransferErrorAnErrorInTheLogAndAFaultOnTheBus()
    {
        ulong outside = DeviceFixture.Base + DeviceFixture.MemoryBytes;
        ushort id = _driver.Submit(_queue, NvmeDriver.Io(2, 7, 1, outside));
        Assert.Equal((id, 0x004), (_driver.Complete(_queue).Command, 0x004));
        Assert.Equal(new Fault(outside, Permission.Write, FaultReason.NotMapped, 0x100, Fault.NoPasid), Assert.Single(_device.Faults));
        byte[] log = _driver.Log(1, 64);
        Assert.Equal((1, id, 0x004 << 1, 7UL, 1u), (BitConverter.ToUInt16(log, 8), BitConverter.ToUInt16(log, 10), BitConverter.ToUInt16(log, 12), NvmeDriver.LongAt(log, 16), BitConverter.ToUInt32(log, 24)));
        Assert.Equal(0x004, _driver.Run(_queue, NvmeDriver.Io(1, 7, 1, outside)).Status);
        Assert.Equal(0x004, _driver.Run(_queue, NvmeDriver.Io(2, 7, 16, _data, outside)).Status);
        Assert.Equal(0x004, _driver.Run(_queue, NvmeDriver.Io(2, 7, 32, _data, outside)).Status);
        Assert.Equal(4, _device.Faults.Length);
        NvmeDriver.AssertGood(_driver.Run(_queue, NvmeDriver.Io(2, 7, 1, _data)));
    }

    [Fact]
    public void APageThatMayOnlyBeReadIsNotWritten()
    {
        _device.At(_data, 0x3000).Fill(0x77);
        _device.Domain.TryProtect(_data + 0x1000, 0x1000, Permission.Read, out _);
        Assert.Equal(0x004, _driver.Run(_queue, NvmeDriver.Io(2, 0, 8, _data + 0x1000)).Status);
        Assert.Equal(0x004, _driver.Run(_queue, NvmeDriver.Io(2, 0, 8, _data + 0x1800, _data)).Status);
        Assert.Equal(-1, _device.At(_data, 0x3000).IndexOfAnyExcept((byte)0x77));
        Assert.All(_device.Faults, fault => Assert.Equal(FaultReason.PermissionDenied, fault.Reason));
        NvmeDriver.AssertGood(_driver.Run(_queue, NvmeDriver.Io(1, 0, 8, _data + 0x1000)));
        _device.Domain.TryProtect(_data + 0x1000, 0x1000, Permission.Write, out _);
        Assert.Equal(0x004, _driver.Run(_queue, NvmeDriver.Io(1, 0, 8, _data + 0x1000)).Status);
    }

    [Fact]
    public void AfterAnUnmapThatHasReturnedNothingIsWritten()
    {
        ulong stolen = _data + 0x4000;
        for (int round = 0; round < 50; round++)
        {
            // Reads are on their way while the page goes.
            for (int i = 0; i < 8; i++)
            {
                _driver.Put(_queue, NvmeDriver.Io(2, 0, 8, stolen));
            }

            _driver.Ring(_queue);
            _device.Domain.Unmap(stolen, 0x1000);
            _device.At(stolen, 0x1000).Fill((byte)(round | 0x80));
            for (int i = 0; i < 8; i++)
            {
                Assert.True(_driver.Complete(_queue).Status is 0 or 0x004);
            }

            Assert.Equal(-1, _device.At(stolen, 0x1000).IndexOfAnyExcept((byte)(round | 0x80)));
            Assert.Equal(0x004, _driver.Run(_queue, NvmeDriver.Io(2, 0, 8, stolen)).Status);
            _device.Domain.Map(stolen, _device.Memory.Address + (nuint)(stolen - DeviceFixture.Base), 0x1000, Permission.ReadWrite);
        }
    }

    [Fact]
    public void DetachedItFailsAndAResetBringsItBack()
    {
        _device.Port.Detach();
        _driver.Submit(_queue, NvmeDriver.Io(2, 0, 1, _data));
        DeviceFixture.Await(() => _driver.Register(0x1C) == 3, "the fatal status");
        Assert.Equal(FaultReason.NotAttached, Assert.Single(_device.Faults).Reason);
        _device.Port.Attach(_device.Domain);
        _driver.Restart();
        DriverQueue queue = _driver.CreateIoQueue(1, 16);
        NvmeDriver.AssertGood(_driver.Run(queue, NvmeDriver.Io(2, 0, 1, _data)));
    }

    [Fact]
    public void AnUnmappedCompletionQueueIsFatal()
    {
        _device.Domain.Unmap(_queue.Completions, 0x1000);
        _driver.Submit(_queue, NvmeDriver.Io(2, 0, 1, _data));
        DeviceFixture.Await(() => _driver.Register(0x1C) == 3, "the fatal status");
        Assert.Equal(_queue.Completions, Assert.Single(_device.Faults).Iova);
    }

    [Fact]
    public void WithoutMasteringNothingIsFetchedUntilTheDriverAllowsIt()
    {
        _device.SetConfig(4, 3);
        ushort id = _driver.Submit(_queue, NvmeDriver.Io(2, 0, 1, _data));
        Assert.False(_driver.TryComplete(_queue, out _));
        _device.SetConfig(4, 7);
        _driver.Ring(_queue);
        Assert.Equal(id, _driver.Complete(_queue).Command);
        Assert.Empty(_device.Faults);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AResetAmidCommandsLeavesMemoryAlone(int seed) => Seeded.Run(seed, random =>
    {
        ulong big = _driver.Pages(128);
        ulong list = _driver.Pages(1);
        for (int i = 0; i < 127; i++)
        {
            BitConverter.TryWriteBytes(_device.At(list + ((ulong)i * 8), 8), big + ((ulong)(i + 1) * 4096));
        }

        DriverQueue queue = _queue;
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < 15; i++)
            {
                _driver.Put(queue, NvmeDriver.Io(2, (ulong)random.Next(4096), 1024, big, list));
            }

            _driver.Ring(queue);
            Thread.SpinWait(random.Next(20_000));
            switch (random.Next(3))
            {
                case 0:
                    _driver.SetRegister(0x14, 0);
                    break;
                case 1:
                    _device.Function.Reset();
                    _device.SetConfig(4, 7);
                    break;
                default:
                    _device.SetConfig(_device.Capability(0x10) + 8, 0xA810); // a function-level reset
                    _device.SetConfig(4, 7);
                    break;
            }

            // Nothing comes after the reset.
            _device.At(big, 128 * 4096).Fill(0xEE);
            Assert.Equal(0u, _driver.Register(0x1C));
            Assert.Equal(-1, _device.At(big, 128 * 4096).IndexOfAnyExcept((byte)0xEE));
            _driver.Restart();
            queue = _driver.CreateIoQueue(1, 16);
            NvmeDriver.AssertGood(_driver.Run(queue, NvmeDriver.Io(2, 0, 1, _data)));
        }

        Assert.Empty(_device.Faults);
    });

    [Fact]
    public void AFileThatSomebodyCutsOffFailsItsCommands()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, new byte[1 << 20]);
            using var device = new DeviceFixture(new NvmeModel(new NvmeModelOptions { ImagePath = path }));
            var driver = new NvmeDriver(device);
            driver.Enable();
            DriverQueue queue = driver.CreateIoQueue(1, 16);
            ulong page = driver.Pages(1);
            NvmeDriver.AssertGood(driver.Run(queue, NvmeDriver.Io(2, 1024, 8, page)));
            using (SharedCut(path))
            {
            }

            Assert.Equal(0x281, driver.Run(queue, NvmeDriver.Io(2, 1024, 8, page)).Status);
            Assert.Equal(1UL, NvmeDriver.LongAt(driver.Log(2, 512), 160));
        }
        finally
        {
            File.Delete(path);
        }
    }

    // Another program does not ask for the lock.
    private static System.Diagnostics.Process SharedCut(string path)
    {
        var cut = System.Diagnostics.Process.Start("truncate", ["-s", "1000", path]);
        cut.WaitForExit();
        Assert.Equal(0, cut.ExitCode);
        return cut;
    }
}
