using Xunit;

namespace FastIova.Tests;

public sealed class RandomStoresTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(1000)]
    public void BothWaysStoreEveryWord(int count)
    {
        const ulong AreaBytes = 1 << 16;
        var random = new Random(count);
        ulong[] words = new ulong[count];
        foreach (ref ulong word in words.AsSpan())
        {
            word = (ulong)random.Next((int)AreaBytes / sizeof(ulong));
        }

        using var stores = RandomStores.Over(AreaBytes, words);
        Assert.Equal(count == 0, stores.AllHold(7));
        Assert.Equal((ulong)count, stores.Naive(7));
        Assert.True(stores.AllHold(7));
        Assert.Equal((ulong)count, stores.LookAhead(9));
        Assert.True(stores.AllHold(9));
    }

    [Fact]
    public void AWordOutsideTheAreaIsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => RandomStores.Over(4096, [511, 512]));
}
