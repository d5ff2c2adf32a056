using System.Runtime.InteropServices;
using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed class EduModelTests : IDisposable
{
    private const ulong Buffer = 0x40000;

    private readonly DeviceFixture _edu = new(new EduModel());

    public void Dispose() => _edu.Dispose();

    [Fact]
    public void ItSaysWhoItIs()
    {
        Span<byte> config = stackalloc byte[12];
        _edu.Function.ReadConfig(0, config);
        Assert.Equal("3412e811", Convert.ToHexStringLower(config[..4]));
        Assert.Equal("1000ff00", Convert.ToHexStringLower(config[8..]));
        Assert.Equal(0x010000EDu, _edu.Read32(0));
        _edu.Write32(0, 5);
        Assert.Equal(0x010000EDu, _edu.Read32(0));
    }

    [Fact]
    public void TheLivenessRegisterInverts()
    {
        _edu.Write32(4, 0x12345678);
        Assert.Equal(0xEDCBA987u, _edu.Read32(4));
    }

    [Fact]
    public void OnlyTheWidthsOfTheSpecificationAreTaken()
    {
        Assert.Equal(ulong.MaxValue, _edu.Read64(0));
        _edu.Write64(0, 0x1111_1111_2222_2222);
        Span<byte> two = stackalloc byte[2];
        _edu.Function.ReadBar(0, 0, two);
        Assert.Equal("ffff", Convert.ToHexStringLower(two));
        _edu.Write64(0x80, 0x1122_3344_5566_7788);
        Assert.Equal((0x1122_3344_5566_7788UL, 0x5566_7788u), (_edu.Read64(0x80), _edu.Read32(0x80)));
        _edu.Write32(0x80, 0x99);
        Assert.Equal(0x99UL, _edu.Read64(0x80));
        Assert.Equal((uint.MaxValue, uint.MaxValue), (_edu.Read32(0x84), _edu.Read32(0x100)));
        Assert.Equal(uint.MaxValue, _edu.Read32(Buffer));
    }

    [Theory]
    [InlineData(0u, 1u)]
    [InlineData(1u, 1u)]
    [InlineData(5u, 120u)]
    [InlineData(12u, 479001600u)]
    [InlineData(13u, 1932053504u)]
    [InlineData(34u, 0u)]
    [InlineData(uint.MaxValue, 0u)]
    public void TheFactorialIsComputedAndSaidByAnInterruptWhenAskedFor(uint number, uint expected)
    {
        _edu.Write32(8, number);
        DeviceFixture.Await(() => (_edu.Read32(0x20) & 1) == 0, "a factorial without an interrupt");
        Assert.Equal((expected, 0u), (_edu.Read32(8), _edu.Read32(0x24)));
        _edu.Write32(0x20, 0x80);
        _edu.Write32(8, number);
        DeviceFixture.Await(() => _edu.Function.IsIntxAsserted, "a factorial with an interrupt");
        Assert.Equal((expected, 1u, 0x80u), (_edu.Read32(8), _edu.Read32(0x24), _edu.Read32(0x20)));
        _edu.Write32(0x64, 1);
        Assert.False(_edu.Function.IsIntxAsserted);
    }

    [Fact]
    public void RaisedBitsStayUntilTheyAreAcknowledged()
    {
        _edu.Write32(0x60, 0x30);
        Assert.True(_edu.Function.IsIntxAsserted);
        _edu.Write32(0x60, 0x02);
        Assert.Equal(0x32u, _edu.Read32(0x24));
        _edu.Write32(0x64, 0x12);
        Assert.Equal((0x20u, true), (_edu.Read32(0x24), _edu.Function.IsIntxAsserted));
        _edu.Write32(0x64, 0x20);
        Assert.Equal((0u, false), (_edu.Read32(0x24), _edu.Function.IsIntxAsserted));
        _edu.Function.EnableMsi(1);
        _edu.Write32(0x60, 1);
        Assert.Equal((1, false), (_edu.MessagesOf(0), _edu.Function.IsIntxAsserted));
        _edu.Write32(0x64, 1);
        _edu.Write32(0x60, 0);
        Assert.Equal(1, _edu.MessagesOf(0));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void DataGoesThroughTheBufferAsAnArrayWouldTakeIt(int seed) => Seeded.Run(seed, random =>
    {
        byte[] buffer = new byte[4096];
        byte[] memory = new byte[64 << 10];
        random.NextBytes(memory);
        memory.CopyTo(_edu.At(DeviceFixture.Base, memory.Length));
        for (int i = 0; i < 200; i++)
        {
            int count = random.Next(0, 4097);
            int inBuffer = random.Next(0, 4097 - count);
            int inMemory = random.Next(0, memory.Length - count);
            bool toMemory = random.Chance(50);
            Transfer(DeviceFixture.Base + (ulong)inMemory, Buffer + (ulong)inBuffer, (ulong)count, toMemory);
            if (toMemory)
            {
                buffer.AsSpan(inBuffer, count).CopyTo(memory.AsSpan(inMemory));
            }
            else
            {
                memory.AsSpan(inMemory, count).CopyTo(buffer.AsSpan(inBuffer));
            }

            Assert.True(_edu.At(DeviceFixture.Base, memory.Length).SequenceEqual(memory));
        }

        Assert.Empty(_edu.Faults);
    });

    [Fact]
    public void ATransferIsSaidByAnInterruptWhenAskedFor()
    {
        Transfer(DeviceFixture.Base, Buffer, 16, toMemory: false, interrupt: true);
        DeviceFixture.Await(() => _edu.Function.IsIntxAsserted, "the interrupt of a transfer");
        Assert.Equal((0x100u, 4UL), (_edu.Read32(0x24), _edu.Read64(0x98)));
    }

    [Fact]
    public void WithoutTheBitThatStartsItACommandIsNone()
    {
        _edu.Write64(0x98, 6);
        Assert.Equal(0UL, _edu.Read64(0x98));
    }

    [Fact]
    public void AWriteThatAPageRefusesWritesNothingAndIsReported()
    {
        Fill(0x11);
        Transfer(DeviceFixture.Base, Buffer, 4096, toMemory: false);
        _edu.At(DeviceFixture.Base, 0x4000).Clear();
        _edu.Domain.TryProtect(DeviceFixture.Base + 0x1000, 0x1000, Permission.Read, out _);
        Transfer(DeviceFixture.Base + 0x800, Buffer, 4096, toMemory: true);
        Assert.Equal(-1, _edu.At(DeviceFixture.Base, 0x4000).IndexOfAnyExcept((byte)0));
        Transfer(DeviceFixture.Base + DeviceFixture.MemoryBytes - 0x800, Buffer, 4096, toMemory: true);
        Assert.Equal(-1, _edu.At(DeviceFixture.Base + DeviceFixture.MemoryBytes - 0x800, 0x800).IndexOfAnyExcept((byte)0));
        Fault[] faults = _edu.Faults;
        Assert.Equal(
            [
                new Fault(DeviceFixture.Base + 0x1000, Permission.Write, FaultReason.PermissionDenied, 0x100, Fault.NoPasid),
                new Fault(DeviceFixture.Base + DeviceFixture.MemoryBytes, Permission.Write, FaultReason.NotMapped, 0x100, Fault.NoPasid),
            ],
            faults);
        Assert.Equal(2UL, _edu.Iommu.ReadCounts().FaultsByPort["device"]);
    }

    [Fact]
    public void WhatARefusedReadWouldHaveBroughtIsZero()
    {
        Fill(0x22);
        Transfer(DeviceFixture.Base, Buffer, 4096, toMemory: false);
        _edu.Domain.Unmap(DeviceFixture.Base + 0x1000, 0x1000);
        Transfer(DeviceFixture.Base + 0xF00, Buffer + 0x100, 0x800, toMemory: false);
        Transfer(DeviceFixture.Base + 0x4000, Buffer, 4096, toMemory: true);
        Span<byte> seen = _edu.At(DeviceFixture.Base + 0x4000, 4096);
        Assert.Equal(-1, seen[..0x200].IndexOfAnyExcept((byte)0x22));
        Assert.Equal(-1, seen[0x200..0x900].IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, seen[0x900..].IndexOfAnyExcept((byte)0x22));
        Assert.Equal(FaultReason.NotMapped, Assert.Single(_edu.Faults).Reason);
        Assert.Equal(1UL, _edu.Iommu.ReadCounts().FaultsByPort["device"]);
    }

    [Fact]
    public void WithoutMasteringOrAttachmentNothingMoves()
    {
        Fill(0x33);
        _edu.SetConfig(4, 3);
        Transfer(DeviceFixture.Base, Buffer, 16, toMemory: false);
        Assert.Empty(_edu.Faults);
        _edu.SetConfig(4, 7);
        _edu.Port.Detach();
        Transfer(DeviceFixture.Base, Buffer, 16, toMemory: false);
        Transfer(DeviceFixture.Base, Buffer, 16, toMemory: true);
        Assert.Equal([FaultReason.NotAttached, FaultReason.NotAttached], _edu.Faults.Select(fault => fault.Reason));
        _edu.Port.Attach(_edu.Domain);
        Transfer(DeviceFixture.Base, Buffer, 16, toMemory: true);
        Assert.Equal(-1, _edu.At(DeviceFixture.Base, 16).IndexOfAnyExcept((byte)0));
        Assert.Equal(0x33, _edu.At(DeviceFixture.Base + 16, 1)[0]);
    }

    [Theory]
    [InlineData(0x3FFFFUL, 16UL)]
    [InlineData(0x40000UL, 4097UL)]
    [InlineData(0x40FFFUL, 2UL)]
    [InlineData(0UL, 16UL)]
    [InlineData(0x40008UL, ulong.MaxValue)]
    public void ATransferThatLeavesTheBufferMovesNothing(ulong place, ulong count)
    {
        Fill(0x44);
        Transfer(DeviceFixture.Base, place, count, toMemory: true);
        Transfer(DeviceFixture.Base, place, count, toMemory: false);
        Assert.Equal(-1, _edu.At(DeviceFixture.Base, 0x2000).IndexOfAnyExcept((byte)0x44));
        Assert.Empty(_edu.Faults);
    }

    [Fact]
    public void AddressesAreCutToTheMask()
    {
        Fill(0x55);
        Transfer(0xF000_0000_0000_0000 | DeviceFixture.Base, Buffer, 16, toMemory: false);
        Transfer(DeviceFixture.Base + 0x3000, Buffer, 16, toMemory: true);
        Assert.Equal(0x55, _edu.At(DeviceFixture.Base + 0x3000, 1)[0]);
        using var wide = new DeviceFixture(new EduModel(new EduModelOptions { DmaMask = ulong.MaxValue }));
        wide.Write64(0x80, 0xF000_0000_0000_0000 | DeviceFixture.Base);
        wide.Write64(0x88, Buffer);
        wide.Write64(0x90, 16);
        wide.Write64(0x98, 1);
        DeviceFixture.Await(() => (wide.Read64(0x98) & 1) == 0, "a transfer");
        Assert.Equal(FaultReason.OutsideAperture, Assert.Single(wide.Faults).Reason);
    }

    [Fact]
    public void AResetForgetsEverything()
    {
        _edu.Write32(4, 1);
        _edu.Write32(0x60, 7);
        _edu.Write64(0x80, 9);
        _edu.Function.Reset();
        _edu.SetConfig(4, 7);
        Assert.Equal((0u, 0u, 0UL, false), (_edu.Read32(4), _edu.Read32(0x24), _edu.Read64(0x80), _edu.Function.IsIntxAsserted));
    }

    [Fact]
    public void AMappedBarAnswersLikeCalls()
    {
        Fill(0x66);
        Assert.Equal(0x010000EDu, Word(0));
        Word(4) = 0x0F0F0F0F;
        DeviceFixture.Await(() => Volatile.Read(ref Word(4)) == 0xF0F0F0F0, "liveness through the mapping");
        Assert.Equal(0xF0F0F0F0, _edu.Read32(4));
        Word(0x20) = 0x80;
        Word(8) = 6;
        DeviceFixture.Await(() => _edu.Function.IsIntxAsserted && Volatile.Read(ref Word(8)) == 720, "a factorial through the mapping");
        Word(0x64) = 1;
        DeviceFixture.Await(() => !_edu.Function.IsIntxAsserted, "an acknowledgement through the mapping");
        for (int round = 0; round < 3; round++)
        {
            Word(0x60) = 8;
            DeviceFixture.Await(() => Volatile.Read(ref Word(0x24)) == 8, "an interrupt through the mapping");
            Word(0x64) = 8;
            DeviceFixture.Await(() => Volatile.Read(ref Word(0x24)) == 0, "its end");
        }

        Word(0) = 3;
        DeviceFixture.Await(() => Volatile.Read(ref Word(0)) == 0x010000ED, "the identity is restored");
        for (ulong round = 0; round < 20; round++)
        {
            MapTransfer(DeviceFixture.Base, Buffer, 100, 1);
            MapTransfer(Buffer, DeviceFixture.Base + 0x2000 + (round * 100), 100, 3);
        }

        Assert.Equal(-1, _edu.At(DeviceFixture.Base + 0x2000, 2000).IndexOfAnyExcept((byte)0x66));
        _edu.Unmap(0);
        _edu.Write32(4, 0);
        Assert.Equal(uint.MaxValue, _edu.Read32(4));
        Assert.Equal(uint.MaxValue, Word(4));
    }

    private ref uint Word(int offset) => ref MemoryMarshal.Cast<byte, uint>(_edu.Mapped(0))[offset / 4];

    private void MapTransfer(ulong source, ulong destination, uint count, uint command)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(_edu.Mapped(0));
        words[0x80 / 8] = source;
        words[0x88 / 8] = destination;
        words[0x90 / 8] = count;
        Volatile.Write(ref words[0x98 / 8], command);
        DeviceFixture.Await(() => (Volatile.Read(ref Word(0x98)) & 1) == 0, "a transfer through the mapping");
    }

    private void Fill(byte value) => _edu.At(DeviceFixture.Base, 0x2000).Fill(value);

    private void Transfer(ulong iova, ulong place, ulong count, bool toMemory, bool interrupt = false)
    {
        _edu.Write64(0x80, toMemory ? place : iova);
        _edu.Write64(0x88, toMemory ? iova : place);
        _edu.Write64(0x90, count);
        _edu.Write64(0x98, 1u | (toMemory ? 2u : 0) | (interrupt ? 4u : 0));
        DeviceFixture.Await(() => (_edu.Read64(0x98) & 1) == 0, "a transfer");
    }
}
