using Xunit;

namespace FastIova.Tests;

public sealed class MapScatteredTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AGranuleAcrossAnEndOfTheApertureIsRefused(bool linear)
    {
        using PageTable table = Create(linear, new IovaSpan(0x1800, 0x10_0234));
        Assert.Equal(MapStatus.OutsideAperture, table.MapScattered([0x2000, 0x10_0000], [0x5000, 0x6000], Permission.Read));
        Assert.Equal(MapStatus.OutsideAperture, table.MapScattered([0x2000, 0x1000], [0x5000, 0x6000], Permission.Read));
        Assert.Equal(0UL, table.MappedBytes);
        Assert.True(table.Walk(0x10_0000, out _).IsAbsent && table.Walk(0x2000, out _).IsAbsent);
        Assert.Equal(MapStatus.Success, table.MapScattered([0x2000, 0xF_F000], [0x5000, 0x6000], Permission.Read));
        Assert.Equal(0x2000UL, table.MappedBytes);
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(false, 64)]
    [InlineData(false, 65)]
    [InlineData(false, 128)]
    [InlineData(false, 200)]
    [InlineData(true, 200)]
    public void AListWithAnAddressTwiceIsTakenBackWhole(bool linear, int count)
    {
        using PageTable table = Create(linear, new IovaSpan(0, (1UL << 40) - 1));
        ulong[] iovas = [.. Enumerable.Range(0, count).Select(i => 0x10_0000 + ((ulong)i << 14))];
        ulong[] hosts = [.. Enumerable.Range(1, count).Select(i => (ulong)i << 12)];
        foreach (int twin in (ReadOnlySpan<int>)[1, count / 2, count - 1])
        {
            ulong saved = iovas[twin];
            iovas[twin] = iovas[0];
            Assert.Equal(MapStatus.Overlap, table.MapScattered(iovas, hosts, Permission.Read));
            iovas[twin] = saved;
            Assert.Equal(0UL, table.MappedBytes);
            Assert.All(iovas, iova => Assert.True(table.Walk(iova, out _).IsAbsent));
        }

        Assert.Equal(MapStatus.Success, table.MapScattered(iovas, hosts, Permission.Read));
        Assert.Equal((ulong)count << 12, table.MappedBytes);
        Assert.Equal(MapStatus.Success, table.Unmap(new IovaSpan(0, (1UL << 40) - 1), out ulong bytes));
        Assert.Equal((ulong)count << 12, bytes);
        table.Trim();
        table.ReleaseDetached(table.DetachedEver);
        Assert.Equal((0UL, 0UL), (table.FramesInUse, table.MappedBytes));
    }

    private static PageTable Create(bool linear, IovaSpan aperture) =>
        linear ? new LinearTable<Granule4K>(aperture, hugePages: false) : new RadixTable<Granule4K>(aperture, 30, hugePages: false);
}
