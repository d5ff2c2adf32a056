using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed class DomainTests : IDisposable
{
    private readonly Iommu _iommu = new();
    private readonly Domain _domain;
    private readonly HostMemory _memory = HostMemory.Allocate(8 << 20);

    public DomainTests() => _domain = _iommu.CreateDomain(new DomainOptions { Aperture = new IovaSpan(0x1_0000, (1UL << 40) - 1) });

    public static TheoryData<ulong, ulong, ulong, Permission, MapStatus, string> Refused => new()
    {
        { 0x10_0000, 0, 0, Permission.Read, MapStatus.ZeroLength, "0x100000" },
        { 0x10_0800, 0, 0x1000, Permission.Read, MapStatus.Misaligned, "0x100800" },
        { 0x10_0000, 0x10, 0x1000, Permission.Read, MapStatus.Misaligned, "0x1000 bytes" },
        { 0x10_0000, 0, 0x1001, Permission.Read, MapStatus.Misaligned, "0x1001" },
        { ulong.MaxValue - 0xFFF, 0, 0x2000, Permission.Read, MapStatus.Wraps, "0xfffffffffffff000" },
        { 0, 0, 0x1000, Permission.Read, MapStatus.OutsideAperture, "[0x10000, 0xffffffffff]" },
        { (1UL << 40) - 0x1000, 0, 0x2000, Permission.Read, MapStatus.OutsideAperture, "0xfffffff000" },
        { 0x50_0000, 0, 0x2000, Permission.Read, MapStatus.Overlap, "0x500000" },
        { 0x10_0000, 0, 0x1000, Permission.None, MapStatus.BadPermission, "None" },
        { 0x10_0000, 0, 0x1000, (Permission)8, MapStatus.BadPermission, "8" },
        { 0x10_0000, 0x7000_0000_0000, 0x1000, Permission.Read, MapStatus.HostNotMapped, "0x" },
    };

    public void Dispose()
    {
        _domain.Dispose();
        _iommu.Dispose();
        _memory.Dispose();
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void ARefusedMappingNamesTheRuleAndTheValueAndChangesNothing(ulong iova, ulong offset, ulong length, Permission permission, MapStatus status, string value)
    {
        Assert.Equal(MapStatus.Success, _domain.TryMap(0x50_1000, _memory, 0, 0x1000, Permission.Read));
        ulong before = _domain.MappedBytes;
        nuint host = offset < _memory.Length ? _memory.Address + (nuint)offset : unchecked((nuint)0x7000_0000_0000_0000);
        Assert.Equal(status, _domain.TryMap(iova, host, length, permission));
        MapRefusedException refusal = Assert.Throws<MapRefusedException>(() => _domain.Map(iova, host, length, permission));
        Assert.Equal(status, refusal.Status);
        Assert.Contains(value, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, _domain.MappedBytes);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void AListWithARefusedMappingLeavesNothingBehind(ulong iova, ulong offset, ulong length, Permission permission, MapStatus status, string value)
    {
        Assert.NotEmpty(value);
        Assert.Equal(MapStatus.Success, _domain.TryMap(0x50_1000, _memory, 0, 0x1000, Permission.Read));
        ulong before = _domain.MappedBytes;
        MapRange[] ranges =
        [
            new(0x60_0000, 0x3000, 0x1000, Permission.Read),
            new(0x80_0000, 0x20_0000, 0x40_0000, Permission.ReadWrite),
            new(0x61_0000, 0, 0x5000, Permission.Write),
            new(iova, offset, length, permission),
            new(0x62_0000, 0, 0x5000, Permission.Write),
        ];
        Assert.Equal(status, _domain.TryMap(ranges, _memory, out int refused));
        Assert.Equal(3, refused);
        Assert.Equal(before, _domain.MappedBytes);
        Assert.Equal(MapStatus.Success, _domain.TryMap(ranges.AsSpan(0, 3), _memory, out _));
        Assert.Equal(before + 0x40_6000, _domain.MappedBytes);
        using DmaPort port = _iommu.OpenPort();
        port.Attach(_domain);
        Assert.True(port.TryTranslate(0x61_4321, Permission.Write, out nuint host));
        Assert.Equal(_memory.Address + 0x4321, host);
        Assert.True(port.TryTranslate(0xBF_FFFF, Permission.ReadWrite, out host));
        Assert.Equal(_memory.Address + 0x5F_FFFF, host);
        Assert.False(port.TryTranslate(0x60_0000, Permission.Write, out _));
    }

    [Fact]
    public void AnEmptyListMapsNothing() => Assert.Equal(MapStatus.Success, _domain.TryMap([], _memory, out _));

    [Theory]
    [InlineData(0x10_0000UL, 0UL, MapStatus.ZeroLength)]
    [InlineData(0x10_0800UL, 0x1000UL, MapStatus.Misaligned)]
    [InlineData(0x10_0000UL, 0x800UL, MapStatus.Misaligned)]
    [InlineData(0xF000UL, 0x2000UL, MapStatus.OutsideAperture)]
    [InlineData(0xFFFF_FFFF_FFFF_F000UL, 0x2000UL, MapStatus.Wraps)]
    public void UnmapAndProtectAndDirtyKeepTheSameRules(ulong iova, ulong length, MapStatus status)
    {
        Assert.Equal(status, _domain.TryUnmap(iova, length, out _));
        Assert.Equal(status, Assert.Throws<MapRefusedException>(() => _domain.Unmap(iova, length)).Status);
        Assert.Equal(status, _domain.TryProtect(iova, length, Permission.Read, out _));
        Assert.Equal(status, Assert.Throws<MapRefusedException>(() => _domain.ReadDirty(iova, length, 12, new ulong[1], clear: false)).Status);
    }

    [Fact]
    public void AListOfRangesWithOneBadRangeTakesNothingAwayAndNamesIt()
    {
        _domain.TryMap(0x20_0000, _memory, 0x20_0000, 0x20_0000, Permission.Read);
        MapStatus status = _domain.TryUnmap([IovaSpan.Of(0x20_0000, 0x1000), IovaSpan.Of(0x30_0000, 0x1000), IovaSpan.Of(0x30_0800, 0x1000)], out ulong bytes, out int refused);
        Assert.Equal((MapStatus.Misaligned, 0UL, 2), (status, bytes, refused));
        Assert.Equal(0x20_0000UL, _domain.MappedBytes);
        Assert.Equal(MapStatus.Success, _domain.TryUnmap([], out bytes, out _));
        Assert.Equal(0UL, bytes);
    }

    [Fact]
    public void PartsOutsideRegisteredMemoryAreRefused()
    {
        Assert.Equal(MapStatus.HostNotMapped, _domain.TryMap(0x10_0000, _memory, _memory.Length, 0x1000, Permission.Read));
        Assert.Equal(MapStatus.HostNotMapped, _domain.TryMap(0x10_0000, _memory, ulong.MaxValue - 0xFFF, 0x1000, Permission.Read));
        Assert.Equal(MapStatus.HostNotMapped, _domain.TryMapScattered([0x10_0000], _memory, [_memory.Address - 0x1000], Permission.Read));
        Assert.Equal(MapStatus.HostNotMapped, _domain.TryMapScattered([0x10_0000], _memory, [_memory.Address + _memory.Length], Permission.Read));
        Assert.Equal(MapStatus.LengthsDiffer, _domain.TryMapScattered([0x10_0000], _memory, [], Permission.Read));
        Assert.Equal(0UL, _domain.MappedBytes);
    }

    [Fact]
    public void ReadingPartOfAWrittenLargePageLosesNoMarkOfTheRest()
    {
        using DmaPort port = Tracked(0x20_0000, 0x20_0000, 0x20_0000);
        Assert.True(port.Write(0x20_0000, [1], out _));
        Assert.Equal(1UL, Dirty(0x20_0000, 0x1000));
        Assert.Equal(511UL, Dirty(0x20_0000, 0x20_0000));
        Assert.Equal(0UL, Dirty(0x20_0000, 0x20_0000));
    }

    [Fact]
    public void AWriteThroughEveryKindOfCacheMarksAgainAfterTheMarkWasCleared()
    {
        using DmaPort port = Tracked(0x20_0000, 0x20_0000, 0x60_0000);
        Assert.Equal(MapStatus.Success, _domain.TryMap(0x100_0000, _memory, 0x1000, 0x4000, Permission.ReadWrite));
        ulong[] large = [.. Enumerable.Range(0, 300).Select(i => 0x20_0000 + ((ulong)i * 0x1000))];
        ulong[] small = [.. Enumerable.Range(0, 300).Select(i => 0x100_0000 + ((ulong)(i % 4) * 0x1000))];
        nuint[] hosts = new nuint[300];
        for (int round = 0; round < 40; round++)
        {
            bool used = round % 2 == 1; // the bits of the bitmap may be set already
            Assert.True(round % 3 == 0
                ? port.TryTranslate(0x20_0123, Permission.Write, out _) & port.TryTranslate(0x100_0123, Permission.Write, out _)
                : port.TranslateBatch(large, hosts, Permission.Write, out _) & port.TranslateBatch(small, hosts, Permission.Write, out _));
            Assert.Equal(used ? 0UL : 512UL, Dirty(0x20_0000, 0x20_0000, used));
            Assert.Equal(0UL, Dirty(0x20_0000, 0x20_0000));
            Assert.Equal(round % 3 == 0 ? 1UL : 4UL, Dirty(0x100_0000, 0x4000));
            Assert.Equal(0UL, Dirty(0x100_0000, 0x4000));
            Assert.True(port.TranslateBatch(large, hosts, Permission.Read, out _));
            Assert.Equal(0UL, Dirty(0x20_0000, 0x60_0000));
        }
    }

    [Fact]
    public void AReadIntoAUsedBitmapTakesTheCachedPermissionToWriteAwayToo()
    {
        using DmaPort port = Tracked(0x20_0000, 0x20_0000, 0x20_0000);
        Assert.Equal(MapStatus.Success, _domain.TryMap(0x100_0000, _memory, 0x1000, 0x1000, Permission.ReadWrite));
        nuint[] hosts = new nuint[8];
        foreach ((ulong iova, ulong bits) in new[] { (0x20_0010UL, 512UL), (0x100_0010UL, 1UL) })
        {
            ulong first = iova & ~0x1F_FFFFUL;
            ulong length = bits << 12;
            for (int i = 0; i < 3; i++)
            {
                Assert.True(port.TryTranslate(iova, Permission.Write, out _));
                Assert.Equal(0UL, Dirty(first, length, used: true));
                Assert.True(port.TryTranslate(iova, Permission.Write, out _));
                Assert.Equal(bits, Dirty(first, length));
                Assert.True(port.TranslateBatch([iova, iova, iova, iova, iova, iova, iova, iova], hosts, Permission.Write, out _));
                Assert.Equal(0UL, Dirty(first, length, used: true));
                Assert.True(port.TranslateBatch([iova, iova, iova, iova, iova, iova, iova, iova], hosts, Permission.Write, out _));
                Assert.Equal(bits, Dirty(first, length));
            }
        }
    }

    [Fact]
    public void ManyLargePagesOfABatchAreForgottenOneByOne()
    {
        const int Pages = 64;
        using var memory = HostMemory.Allocate(Pages << 21);
        foreach (IsaWidth width in Widths.Supported)
        {
            using Domain domain = _iommu.CreateDomain();
            using DmaPort port = _iommu.OpenPort(new DmaPortOptions { Isa = width });
            port.Attach(domain);
            ulong[] offsets = new ulong[Pages];
            for (int i = 0; i < Pages; i++)
            {
                // No two neighbours are neighbours in memory, so no hint covers more than one.
                offsets[i] = (ulong)(i * 27 % Pages) << 21;
                Assert.Equal(MapStatus.Success, domain.TryMap((ulong)(i + 8) << 21, memory, offsets[i], 1 << 21, Permission.ReadWrite));
            }

            Seeded.Run(31, random =>
            {
                var denied = new Permission[Pages];
                ulong[] iovas = new ulong[256];
                nuint[] hosts = new nuint[256];
                for (int round = 0; round < 120; round++)
                {
                    // More small pages than the cache has room for, far fewer large ones.
                    foreach (ref ulong iova in iovas.AsSpan())
                    {
                        iova = (8UL << 21) + (ulong)random.NextInt64(Pages << 21);
                    }

                    Permission access = random.Pick(Permission.Read, Permission.Write);
                    port.TranslateBatch(iovas, hosts, access, out _);
                    for (int i = 0; i < iovas.Length; i++)
                    {
                        int page = (int)(iovas[i] >> 21) - 8;
                        ulong expected = (denied[page] & access) != Permission.None ? 0 : memory.Address + offsets[page] + (iovas[i] & 0x1F_FFFF);
                        Assert.True(expected == hosts[i], $"{width}, round {round}: 0x{iovas[i]:x} must give 0x{expected:x} and gave 0x{(ulong)hosts[i]:x}.");
                    }

                    if (round >= 30)
                    {
                        int page = random.Next(Pages);
                        if (random.Chance(50))
                        {
                            domain.TryUnmap((ulong)(page + 8) << 21, 1 << 21, out _);
                            denied[page] = Permission.ReadWrite;
                        }
                        else if (denied[page] == Permission.None)
                        {
                            Assert.Equal(MapStatus.Success, domain.TryProtect((ulong)(page + 8) << 21, 1 << 21, Permission.Read, out _));
                            denied[page] = Permission.Write;
                        }
                    }
                }
            });
            port.Detach();
        }
    }

    [Fact]
    public void ABitmapThatIsTooShortAndAPageThatIsOutOfRangeAreRefused()
    {
        Assert.Throws<ArgumentException>(() => _domain.ReadDirty(0x10_0000, 65 * 0x1000, 12, new ulong[1], clear: true));
        Assert.Throws<ArgumentOutOfRangeException>(() => _domain.ReadDirty(0x10_0000, 0x1000, 9, new ulong[1], clear: true));
        Assert.Throws<ArgumentOutOfRangeException>(() => _domain.ReadDirty(0x10_0000, 0x1000, 63, new ulong[1], clear: true));
        Assert.Throws<MapRefusedException>(() => _domain.ReadDirty(0x10_0000, 0x800, 11, new ulong[1], clear: true)); // half a granule
    }

    [Fact]
    public void ACachedPermissionIsNarrowedAtOnce()
    {
        using DmaPort port = _iommu.OpenPort();
        port.Attach(_domain);
        _domain.TryMap(0x20_0000, _memory, 0x20_0000, 0x20_1000, Permission.ReadWrite);
        foreach (ulong iova in new[] { 0x20_0010UL, 0x40_0010UL })
        {
            Assert.True(port.TryTranslate(iova, Permission.Write, out _));
            Assert.True(port.TryTranslate(iova, Permission.Write, out _));
            Assert.Equal(MapStatus.Success, _domain.TryProtect(iova & ~0xFFFUL, 0x1000, Permission.Read, out ulong bytes));
            Assert.Equal(0x1000UL, bytes);
            Assert.False(port.TryTranslate(iova, Permission.Write, out _));
            Assert.True(port.TryTranslate(iova, Permission.Read, out _));
            Assert.False(port.TryTranslate(iova, Permission.ReadWrite, out _));
        }
    }

    [Fact]
    public void OptionsThatCannotBeAreRefusedWithTheirValue()
    {
        AssertRefused(new DomainOptions { Aperture = new IovaSpan(5, 4) }, "[0x5, 0x4]");
        AssertRefused(new DomainOptions { Aperture = new IovaSpan(0, 1UL << 57) }, "2^57");
        AssertRefused(new DomainOptions { Aperture = new IovaSpan(0, 1UL << 48), Shape = TableShape.Linear }, "2^48");
        AssertRefused(new DomainOptions { LargestPageLg2 = 11 }, "11");
        AssertRefused(new DomainOptions { LargestPageLg2 = 64 }, "64");
        AssertRefused(new DomainOptions { Granule = (Granule)13 }, "13");

        void AssertRefused(DomainOptions options, string value) =>
            Assert.Contains(value, Assert.Throws<ArgumentException>(() => _iommu.CreateDomain(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HostMemoryKnowsItsBounds()
    {
        Assert.True(_memory.Contains(_memory.Length, 0));
        Assert.False(_memory.Contains(_memory.Length, 1));
        Assert.False(_memory.Contains(ulong.MaxValue, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Bytes(_memory.Length - 1, 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Bytes(0, -1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => HostMemory.Allocate(0));
        Assert.Throws<ArgumentException>(() => HostMemory.Register(_memory.Address, 0));
        using var registered = HostMemory.Register(_memory.Address + 3, 100);
        Assert.Equal((_memory.Address + 3, 100UL), (registered.Address, registered.Length));
        using var freed = HostMemory.Allocate(1 << 20);
        freed.Dispose();
        Assert.Contains("0x100000", Assert.Throws<ArgumentException>(() => HostMemory.Register(0x100000, 0x1000)).Message, StringComparison.Ordinal);
    }

    private DmaPort Tracked(ulong iova, ulong offset, ulong length)
    {
        Assert.Equal(MapStatus.Success, _domain.TryMap(iova, _memory, offset, length, Permission.ReadWrite));
        _domain.TrackDirty(true);
        DmaPort port = _iommu.OpenPort();
        port.Attach(_domain);
        return port;
    }

    private ulong Dirty(ulong iova, ulong length, bool used = false)
    {
        ulong[] bitmap = new ulong[32];
        Array.Fill(bitmap, used ? ulong.MaxValue : 0);
        return _domain.ReadDirty(iova, length, 12, bitmap, clear: true);
    }
}
