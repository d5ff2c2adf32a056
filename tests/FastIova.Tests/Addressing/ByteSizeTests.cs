using Xunit;

namespace FastIova.Tests.Addressing;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0UL)]
    [InlineData("4096", 4096UL)]
    [InlineData("64K", 65536UL)]
    [InlineData("64k", 65536UL)]
    [InlineData("1M", 1048576UL)]
    [InlineData("2G", 2147483648UL)]
    [InlineData("3T", 3298534883328UL)]
    public void DigitsAndALetter(string text, ulong bytes)
    {
        Assert.True(ByteSize.TryParse(text, 1UL << 46, out ulong read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("K")]
    [InlineData("12X")]
    [InlineData("-1")]
    [InlineData("1.5G")]
    [InlineData("0x10")]
    [InlineData("65T")]
    [InlineData("18446744073709551616")]
    [InlineData("18446744073709551615K")]
    public void NothingElse(string text) => Assert.False(ByteSize.TryParse(text, 1UL << 46, out _));
}
