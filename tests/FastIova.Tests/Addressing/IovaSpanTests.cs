using Xunit;

namespace FastIova.Tests;

public sealed class IovaSpanTests
{
    [Fact]
    public void TheSpanAtTheVeryTopOfTheSpaceExists()
    {
        Assert.True(IovaSpan.TryCreate(ulong.MaxValue, 1, out IovaSpan top));
        Assert.Equal(new IovaSpan(ulong.MaxValue, ulong.MaxValue), top);
        Assert.Equal((UInt128)1, top.Length);
    }

    [Theory]
    [InlineData(0UL, 0UL)]
    [InlineData(ulong.MaxValue, 2UL)]
    [InlineData(1UL, ulong.MaxValue + 0UL)]
    public void EmptyAndWrappingSpansAreRefusedUnlessTheyFit(ulong first, ulong length)
    {
        bool fits = length != 0 && (UInt128)first + length <= (UInt128)1 << 64;
        Assert.Equal(fits, IovaSpan.TryCreate(first, length, out _));
    }
}
