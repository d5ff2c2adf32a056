using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.Pipeline;

public sealed unsafe class RingLayoutTests
{
    [Theory]
    [InlineData(nameof(RingHeader.Magic), 0)]
    [InlineData(nameof(RingHeader.Version), 8)]
    [InlineData(nameof(RingHeader.Capacity), 12)]
    [InlineData(nameof(RingHeader.Producers), 16)]
    [InlineData(nameof(RingHeader.Wait), 20)]
    [InlineData(nameof(RingHeader.Completed), 128)]
    [InlineData(nameof(RingHeader.Claimed), 256)]
    [InlineData(nameof(RingHeader.ProducerAttached), 384)]
    [InlineData(nameof(RingHeader.ProducerPublished), 392)]
    [InlineData(nameof(RingHeader.ProducerReleased), 400)]
    [InlineData(nameof(RingHeader.RequestBell), 512)]
    [InlineData(nameof(RingHeader.CompletionBell), 640)]
    public void TheHeaderStandsWhereOtherProcessesExpectIt(string field, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf<RingHeader>(field));

    [Fact]
    public void TheSlotsStartOnAPageAndAWordIsEightBytes()
    {
        Assert.Equal(4096, sizeof(RingHeader));
        Assert.Equal(8, sizeof(RequestWord));
        Assert.Equal(8, sizeof(CompletionWord));
        using TranslationRing ring = TranslationRing.Create();
        Assert.Equal(0UL, (ulong)ring.Memory.Slots % 4096);
        Assert.Equal("FASTIOVA"u8.ToArray(), new Span<byte>(ring.Memory.Header, 8).ToArray());
    }

    [Fact]
    public void NoRingFileHasALengthThatAHugePageFileCanHave()
    {
        for (uint capacity = TranslationRingOptions.CapacityLeast; capacity <= TranslationRingOptions.CapacityMost; capacity *= 2)
        {
            Assert.NotEqual(0UL, RingHeader.FileBytes(capacity) % (2UL << 20));
        }
    }

    [Theory]
    [InlineData(0UL, Permission.None, 0x2000_0000_0000_0000UL)]
    [InlineData(0x1234_5000UL, Permission.Read, 0x6000_0000_1234_5000UL)]
    [InlineData((1UL << 57) - 1, Permission.Write, 0xa1ff_ffff_ffff_ffffUL)]
    [InlineData(1UL, Permission.ReadWrite, 0xe000_0000_0000_0001UL)]
    public void ARequestIsWrittenAsDocumented(ulong iova, Permission wanted, ulong expected)
    {
        ulong word = RequestWord.Of(iova, wanted).Value;
        Assert.Equal(expected, word);
        Assert.True(RequestWord.IsPublished(word));
        Assert.False(RequestWord.IsOutside(word));
        Assert.Equal(iova, RequestWord.IovaOf(word));
        Assert.Equal(wanted, RequestWord.WantedOf(word));
    }

    [Theory]
    [InlineData(1UL << 57)]
    [InlineData(1UL << 60)]
    [InlineData((1UL << 60) + 0x5000)]
    [InlineData(1UL << 63)]
    [InlineData(ulong.MaxValue)]
    public void AnAddressBeyondFiftySevenBitsStaysOutside(ulong iova)
    {
        ulong word = RequestWord.Of(iova, Permission.Read).Value;
        Assert.True(RequestWord.IsOutside(word));
        Assert.True(RequestWord.IsPublished(word));
        Assert.Equal(Permission.Read, RequestWord.WantedOf(word));
    }

    [Fact]
    public void AnAnswerIsEitherAnAddressOrAReason()
    {
        var address = new CompletionWord(CompletionWord.Translated(0x7fff_1234_5678));
        Assert.Equal((false, 0x7fff_1234_5678UL, FaultReason.None), (address.IsFault, address.HostAddress, address.Reason));
        var fault = new CompletionWord(CompletionWord.Faulted(FaultReason.PermissionDenied));
        Assert.Equal((true, 0UL, FaultReason.PermissionDenied), (fault.IsFault, fault.HostAddress, fault.Reason));
        Assert.True(CompletionWord.IsCompleted(address.Value) && CompletionWord.IsCompleted(fault.Value));
        Assert.False(RequestWord.IsPublished(address.Value) || RequestWord.IsPublished(fault.Value));
    }
}
