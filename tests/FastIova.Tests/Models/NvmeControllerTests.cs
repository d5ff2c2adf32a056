using System.Text;
using Xunit;

namespace FastIova.Tests;

public sealed class NvmeControllerTests : IDisposable
{
    private readonly DeviceFixture _device = new(new NvmeModel(new NvmeModelOptions { MemoryBytes = 1 << 20, Serial = "SN1", IoQueues = 4 }));
    private readonly NvmeDriver _driver;

    public NvmeControllerTests() => _driver = new NvmeDriver(_device);

    public void Dispose() => _device.Dispose();

    [Fact]
    public void TheRegistersSayWhatItCan()
    {
        Assert.Equal(0x0040_0020_0F01_0FFFUL, _device.Read64(0));
        Assert.Equal((0x10400u, 0u, 0u), (_device.Read32(8), _device.Read32(0x14), _device.Read32(0x1C)));
        _device.Write64(0, ulong.MaxValue);
        _device.Write32(8, 1);
        _device.Write32(0x1C, 3);
        Assert.Equal((0x10400u, 0u), (_device.Read32(8), _device.Read32(0x1C)));
        _device.Write64(0x28, 0x1234_5678_9ABC_DEF0);
        Assert.Equal(0x1234_5678_9ABC_D000UL, _device.Read64(0x28));
        _device.Write32(0x34, 7);
        Assert.Equal(0x7_0000_0000UL, _device.Read64(0x30));
        _device.Write32(0x24, uint.MaxValue);
        Assert.Equal(0x0FFF0FFFu, _device.Read32(0x24));
        _device.Write32(0x0C, 5);
        _device.Write32(0x10, 4);
        Assert.Equal((1u, 1u), (_device.Read32(0x0C), _device.Read32(0x10)));
        Assert.Equal((0u, 0u), (_device.Read32(0x38), _device.Read32(0x1000)));
    }

    [Fact]
    public void ItBecomesReadyAndEndsAgain()
    {
        _driver.Enable();
        Assert.Equal(1u, _device.Read32(0x1C));
        _driver.Disable();
        Assert.Equal(_driver.Admin.Submissions, _device.Read64(0x28));
        _driver.Restart();
        NvmeDriver.AssertGood(_driver.RunAdmin(0x0A, word10: 7));
        _driver.SetRegister(0x14, 0x0046_4001);
        Assert.Equal(9u, _device.Read32(0x1C));
        _driver.SetRegister(0x14, 0);
        Assert.Equal(0u, _device.Read32(0x1C));
    }

    [Theory]
    [InlineData(0x0046_0011u)] // a command set that there is not
    [InlineData(0x0046_0281u)] // pages of 128 KiB
    [InlineData(0x0046_0801u)] // another arbitration
    public void AConfigurationThatItDoesNotHaveIsFatal(uint configuration)
    {
        _driver.Enable(configuration);
        Assert.Equal(2u, _device.Read32(0x1C));
        _driver.Restart();
        Assert.Equal(1u, _device.Read32(0x1C));
    }

    [Fact]
    public void IdentifyTellsOfControllerAndNamespace()
    {
        _driver.Enable();
        byte[] page = _driver.Identify(1);
        Assert.Equal("361bf41a", Convert.ToHexStringLower(page.AsSpan(0, 4)));
        Assert.Equal("SN1                 ", Encoding.ASCII.GetString(page, 4, 20));
        Assert.StartsWith("FastIova NVMe", Encoding.ASCII.GetString(page, 24, 40), StringComparison.Ordinal);
        Assert.Equal((7, 0x66, 0x44, 3, 3), (page[77], page[512], page[513], page[258], page[259]));
        Assert.Equal(1u, (uint)NvmeDriver.LongAt(page, 516));
        page = _driver.Identify(0, 1);
        Assert.Equal((2048UL, 2048UL), (NvmeDriver.LongAt(page, 0), NvmeDriver.LongAt(page, 8)));
        Assert.Equal((1, 0, 9, 12), (page[25], page[26], page[130], page[134]));
        page = _driver.Identify(2);
        Assert.Equal(1UL, NvmeDriver.LongAt(page, 0));
        Assert.Equal(0UL, NvmeDriver.LongAt(_driver.Identify(2, 1), 0));
        page = _driver.Identify(3, 1);
        Assert.Equal((1, 8, 2, 16, 3, 16, 0), (page[0], page[1], page[12], page[13], page[32], page[33], page[52]));
        ulong at = _driver.Pages(1);
        Assert.Equal(0x400B, _driver.RunAdmin(0x06, 2, at).Status);
        Assert.Equal(0x400B, _driver.RunAdmin(0x06, 0, at).Status);
        Assert.Equal(0x400B, _driver.RunAdmin(0x06, uint.MaxValue, at, word10: 2).Status);
        Assert.Equal(0x4002, _driver.RunAdmin(0x06, 1, at, word10: 0x55).Status);
    }

    [Fact]
    public void AnUnknownOperationAndAFusedOneAndAnSglOfTheAdministratorAreRefused()
    {
        _driver.Enable();
        Assert.Equal(0x4001, _driver.RunAdmin(0x7F).Status);
        uint[] fused = NvmeDriver.Command(0x0A, word10: 7);
        fused[0] |= 1 << 8;
        Assert.Equal(0x4002, _driver.Run(_driver.Admin, fused).Status);
        uint[] sgl = NvmeDriver.Command(0x06, first: _driver.Pages(1), word10: 1);
        sgl[0] |= 1 << 14;
        Assert.Equal(0x4002, _driver.Run(_driver.Admin, sgl).Status);
    }

    [Fact]
    public void QueuesAreMadeAndDeletedByTheRules()
    {
        _driver.Enable();
        ulong page = _driver.Pages(1);
        AssertQueue(0x101, 0x05, 0, 16, 1, page);
        AssertQueue(0x101, 0x05, 5, 16, 1, page);
        AssertQueue(0x102, 0x05, 1, 1, 1, page);
        AssertQueue(0x102, 0x05, 1, 4097, 1, page);
        AssertQueue(0x002, 0x05, 1, 16, 0, page);
        AssertQueue(0x013, 0x05, 1, 16, 1, page + 8);
        AssertQueue(0x108, 0x05, 1, 16, 1 | (5u << 16), page);
        AssertQueue(0x100, 0x01, 1, 16, 1 | (1u << 16), page);
        AssertQueue(0x100, 0x01, 1, 16, 1, page);
        AssertQueue(0x101, 0x01, 1, 16, 1 | (9u << 16), page);
        AssertQueue(0, 0x05, 1, 16, 1, page);
        AssertQueue(0x101, 0x05, 1, 16, 1, page);
        AssertQueue(0, 0x01, 3, 16, 1 | (1u << 16), _driver.Pages(1));
        AssertQueue(0x101, 0x01, 3, 16, 1 | (1u << 16), page);
        AssertCode(0x10C, _driver.RunAdmin(0x04, word10: 1));
        AssertCode(0x101, _driver.RunAdmin(0x00, word10: 0));
        AssertCode(0x101, _driver.RunAdmin(0x00, word10: 1));
        AssertCode(0, _driver.RunAdmin(0x00, word10: 3));
        AssertCode(0, _driver.RunAdmin(0x04, word10: 1));
        AssertCode(0x101, _driver.RunAdmin(0x04, word10: 1));
        AssertCode(0x101, _driver.RunAdmin(0x04, word10: 0));
    }

    [Fact]
    public void FeaturesAreSetAndRead()
    {
        _driver.Enable();
        Assert.Equal(0x30003u, Feature(7));
        Assert.Equal(0x30003u, _driver.RunAdmin(0x09, word10: 7, word11: 0x10001).Result);
        AssertCode(0x002, _driver.RunAdmin(0x09, word10: 7, word11: 0xFFFF));
        _ = _driver.CreateIoQueue(1, 16);
        AssertCode(0x00C, _driver.RunAdmin(0x09, word10: 7, word11: 0));
        Assert.Equal((7u, 0u, 1u), (Feature(1), Feature(2), Feature(6)));
        AssertCode(0, _driver.RunAdmin(0x09, word10: 6, word11: 0));
        Assert.Equal((0u, 1u, 4u), (Feature(6), Feature(6 | (1 << 8)), Feature(6 | (3 << 8))));
        AssertCode(0x002, _driver.RunAdmin(0x09, word10: 2, word11: 1));
        AssertCode(0x002, _driver.RunAdmin(0x09, word10: 9, word11: 5));
        AssertCode(0, _driver.RunAdmin(0x09, word10: 9, word11: 2 | (1 << 16)));
        Assert.Equal((0x10002u, 1u), (_driver.RunAdmin(0x0A, word10: 9, word11: 2).Result, _driver.RunAdmin(0x0A, word10: 9, word11: 1).Result));
        AssertCode(0x10D, _driver.RunAdmin(0x09, word10: 6 | (1u << 31)));
        AssertCode(0x002, _driver.RunAdmin(0x09, word10: 0x55));
        AssertCode(0x002, _driver.RunAdmin(0x0A, word10: 0));
        AssertCode(0x00B, _driver.RunAdmin(0x0A, word10: 5));
        AssertCode(0, _driver.RunAdmin(0x0A, 1, word10: 5));
        _driver.Restart();
        Assert.Equal(1u, Feature(6));
    }

    [Fact]
    public void LogsTellOfErrorsHealthFirmwareAndEffects()
    {
        _driver.Enable();
        ushort failed = _driver.Submit(_driver.Admin, NvmeDriver.Command(0x7F, 9));
        AssertCode(1, _driver.Complete(_driver.Admin));
        byte[] errors = _driver.Log(1, 128);
        Assert.Equal((1UL, 0), (NvmeDriver.LongAt(errors, 0), BitConverter.ToUInt16(errors, 8)));
        Assert.Equal((failed, (0x4001 << 1) & 0xFFFF, 9u), (BitConverter.ToUInt16(errors, 10), BitConverter.ToUInt16(errors, 12), BitConverter.ToUInt32(errors, 24)));
        Assert.Equal(0UL, NvmeDriver.LongAt(errors, 64));
        for (int i = 0; i < 70; i++)
        {
            AssertCode(1, _driver.RunAdmin(0x7E));
        }

        errors = _driver.Log(1, 4096);
        Assert.Equal((71UL, 70UL, 8UL), (NvmeDriver.LongAt(errors, 0), NvmeDriver.LongAt(errors, 64), NvmeDriver.LongAt(errors, 63 * 64)));
        byte[] health = _driver.Log(2, 512);
        Assert.Equal((0, 310, 100), (health[0], BitConverter.ToUInt16(health, 1), health[3]));
        Assert.Equal(71UL, NvmeDriver.LongAt(health, 176));
        Assert.Equal(1, _driver.Log(3, 512)[0]);
        byte[] effects = _driver.Log(5, 4096);
        Assert.Equal((1, 11, 3, 0), (effects[6 * 4], effects[0x80 * 4], effects[1024 + 4], effects[1024 + 12]));
        ulong page = _driver.Pages(1);
        AssertCode(0x109, _driver.RunAdmin(0x02, 0, page, word10: 0x42 | (7u << 16)));
        AssertCode(0x002, _driver.RunAdmin(0x02, 1, page, word10: 2 | (7u << 16)));
        AssertCode(0x002, _driver.RunAdmin(0x02, 0, page, word10: 2 | (7u << 16), word12: 3));
        AssertCode(0x002, _driver.RunAdmin(0x02, 0, page, word10: 2 | (7u << 16), word12: 516));
        AssertCode(0, _driver.RunAdmin(0x02, 0, page, word10: 2 | (7u << 16), word12: 176));
        Assert.Equal(75UL, BitConverter.ToUInt64(_device.At(page, 8)));
    }

    [Fact]
    public void AnEventRequestWaitsForAnEventAndItsLog()
    {
        _driver.Enable();
        ushort[] requests = [.. Enumerable.Range(0, 4).Select(_ => _driver.Submit(_driver.Admin, NvmeDriver.Command(0x0C)))];
        AssertCode(0x105, _driver.RunAdmin(0x0C));
        _driver.SetRegister(0x1000 + (3 * 8), 1); // no such queue
        NvmeAnswer told = _driver.Complete(_driver.Admin);
        Assert.Equal((requests[0], 0x0001_0000u, 0), (told.Command, told.Result, told.Status));

        // A second one of the type waits until the log was read.
        DriverQueue queue = _driver.CreateIoQueue(1, 16);
        _driver.SetRegister(0x1000 + 8, 16);
        Assert.Equal(0x30003u, Feature(7));
        _ = _driver.Log(1, 64, keepsEvent: true);
        Assert.False(_driver.TryComplete(_driver.Admin, out _));
        ulong page = _driver.Pages(1);
        ushort log = _driver.Submit(_driver.Admin, NvmeDriver.Command(0x02, 0, page, word10: 1 | (15u << 16)));
        Assert.Equal(log, _driver.Complete(_driver.Admin).Command);
        told = _driver.Complete(_driver.Admin);
        Assert.Equal((requests[1], 0x0001_0100u), (told.Command, told.Result));
        queue.Tail = 0;
        _driver.Ring(queue);
        NvmeDriver.AssertGood(_driver.Run(queue, NvmeDriver.Command(0x00, 1)));

        // The temperature: only when the driver wants to hear of it.
        AssertCode(0, _driver.RunAdmin(0x09, word10: 4, word11: 300));
        Assert.False(_driver.TryComplete(_driver.Admin, out _));
        Assert.Equal(2, _driver.Log(2, 512)[0]);
        ushort set = _driver.Submit(_driver.Admin, NvmeDriver.Command(0x09, word10: 0x0B, word11: 2));
        Assert.Equal(set, _driver.Complete(_driver.Admin).Command);
        told = _driver.Complete(_driver.Admin);
        Assert.Equal((requests[2], 0x0002_0101u), (told.Command, told.Result));

        // The last one is taken back.
        ushort abort = _driver.Submit(_driver.Admin, NvmeDriver.Command(0x08, word10: (uint)requests[3] << 16));
        told = _driver.Complete(_driver.Admin);
        Assert.Equal((requests[3], 0x007), (told.Command, told.Status));
        told = _driver.Complete(_driver.Admin);
        Assert.Equal((abort, 0u), (told.Command, told.Result));
        Assert.Equal(1u, _driver.RunAdmin(0x08, word10: 77u << 16).Result);
    }

    [Fact]
    public void AFormatForgetsTheDataAndChangesTheBlocks()
    {
        _driver.Enable();
        DriverQueue queue = _driver.CreateIoQueue(1, 16);
        ulong page = _driver.Pages(1);
        _device.At(page, 4096).Fill(0x5A);
        NvmeDriver.AssertGood(_driver.Run(queue, NvmeDriver.Io(1, 5, 8, page)));
        AssertCode(0x10A, _driver.RunAdmin(0x80, 1, word10: 2));
        AssertCode(0x10A, _driver.RunAdmin(0x80, 1, word10: 0x20));
        AssertCode(0x10A, _driver.RunAdmin(0x80, 1, word10: 0x10));
        AssertCode(0x002, _driver.RunAdmin(0x80, 1, word10: 2 << 9));
        AssertCode(0x00B, _driver.RunAdmin(0x80, 2));
        AssertCode(0x00B, _driver.RunAdmin(0x80));
        NvmeDriver.AssertGood(_driver.RunAdmin(0x80, uint.MaxValue, word10: 1 | (1 << 9)));
        Assert.Equal((256UL, 1), (NvmeDriver.LongAt(_driver.Identify(0, 1), 0), _driver.Identify(0, 1)[26]));
        NvmeDriver.AssertGood(_driver.Run(queue, NvmeDriver.Io(2, 0, 1, page)));
        Assert.Equal(-1, _device.At(page, 4096).IndexOfAnyExcept((byte)0));
        AssertCode(0x080, _driver.Run(queue, NvmeDriver.Io(2, 256, 1, page)));
    }

    [Fact]
    public void ThePinIsAssertedWhileCompletionsLieUnread()
    {
        _driver.Enable();
        _driver.Submit(_driver.Admin, NvmeDriver.Command(0x0A, word10: 7));
        DeviceFixture.Await(() => _device.Function.IsIntxAsserted, "the pin is asserted");
        _device.Write32(0x0C, 1);
        Assert.False(_device.Function.IsIntxAsserted);
        _device.Write32(0x10, 1);
        Assert.True(_device.Function.IsIntxAsserted);
        _ = _driver.Complete(_driver.Admin);
        DeviceFixture.Await(() => !_device.Function.IsIntxAsserted, "the pin falls");
        _driver.Submit(_driver.Admin, NvmeDriver.Command(0x0A, word10: 7));
        DeviceFixture.Await(() => _device.Function.IsIntxAsserted, "the pin is asserted again");
        _driver.SetRegister(0x14, 0);
        Assert.False(_device.Function.IsIntxAsserted);
    }

    [Fact]
    public void EachQueueHasTheVectorThatItWasMadeWith()
    {
        _device.Function.EnableMsix(true);
        _driver.Enable();
        DriverQueue third = _driver.CreateIoQueue(1, 16, vector: 3);
        DriverQueue silent = _driver.CreateIoQueue(2, 16, vector: 4, interrupts: false);
        NvmeDriver.AssertGood(_driver.Run(silent, NvmeDriver.Command(0x00, 1)));
        NvmeDriver.AssertGood(_driver.Run(third, NvmeDriver.Command(0x00, 1)));
        DeviceFixture.Await(() => _device.MessagesOf(3) == 1, "a message");
        Assert.Equal(0, _device.MessagesOf(4));
        Assert.True(_device.MessagesOf(0) >= 1);
        Assert.False(_device.Function.IsIntxAsserted);
    }

    private static void AssertCode(int code, NvmeAnswer answer) => Assert.Equal(code, NvmeDriver.CodeOf(answer));

    private void AssertQueue(int code, byte opcode, int id, int size, uint word11, ulong place) =>
        AssertCode(code, _driver.RunAdmin(opcode, first: place, word10: (uint)(id | ((size - 1) << 16)), word11: word11));

    private uint Feature(uint word10)
    {
        NvmeAnswer answer = _driver.RunAdmin(0x0A, word10: word10);
        NvmeDriver.AssertGood(answer);
        return answer.Result;
    }
}
