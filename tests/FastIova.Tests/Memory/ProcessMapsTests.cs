using Xunit;

namespace FastIova.Tests.Memory;

public sealed class ProcessMapsTests
{
    private const string Text = """
        00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/dbus-daemon
        Size:                328 kB
        KernelPageSize:        4 kB
        7f0000000000-7f0000200000 rw-s 00400000 00:0f 33  /memfd:some pages (deleted)
        Size:               2048 kB
        KernelPageSize:     2048 kB
        ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
        KernelPageSize:        4 kB
        """;

    [Fact]
    public void AMappingSaysWhatItAllowsAndWhatIsBehindIt()
    {
        Assert.True(ProcessMapsText.TryFind(new StringReader(Text), 0x7f0000000fff, nextToo: false, out MemoryRegion region));
        Assert.Equal(
            new MemoryRegion(0x7f0000000000, 0x7f00001fffff, RegionFlags.Readable | RegionFlags.Writable | RegionFlags.Shared, 2 << 20, 0xf, 33, 0x400000),
            region);
        Assert.True(region.IsCompound);
        Assert.Equal(0x400fffUL, region.OffsetOf(0x7f0000000fff));
    }

    [Theory]
    [InlineData(0x3fffffUL, 0x400000UL)]
    [InlineData(0x451fffUL, 0x400000UL)]
    [InlineData(0x452000UL, 0x7f0000000000UL)]
    [InlineData(0xffffffffff600fffUL, 0xffffffffff600000UL)]
    public void TheNextMappingIsFoundInAHole(ulong address, ulong first)
    {
        Assert.True(ProcessMapsText.TryFind(new StringReader(Text), address, nextToo: true, out MemoryRegion region));
        Assert.Equal(first, region.First);
    }

    [Theory]
    [InlineData(0x3fffffUL)]
    [InlineData(0x452000UL)]
    [InlineData(ulong.MaxValue)]
    public void NothingIsFoundInAHole(ulong address) => Assert.False(ProcessMapsText.TryFind(new StringReader(Text), address, nextToo: false, out _));

    [Fact]
    public void NothingIsFoundAboveTheLastMapping() => Assert.False(ProcessMapsText.TryFind(new StringReader(Text), ulong.MaxValue, nextToo: true, out _));

    [Fact]
    public void TheKernelAndItsTextAgreeAboutThisProcess()
    {
        using HostMemory memory = HostMemory.Allocate(3 << 12);
        using ProcessMaps maps = ProcessMaps.TryOpen(Environment.ProcessId)!;

        // Other tests map memory meanwhile, which the kernel may join to this: the two are asked again until nothing came between.
        Assert.True(SpinWait.SpinUntil(
            () => maps.TryFind(memory.Address + 0x2fff, out MemoryRegion region)
                && ProcessMapsText.TryFind(Environment.ProcessId, memory.Address + 0x2fff, nextToo: false, out MemoryRegion read)
                && region == read,
            TimeSpan.FromSeconds(20)));
        Assert.True(maps.Allows(memory.Address, memory.Address + 0x2fff, RegionFlags.Readable | RegionFlags.Writable));
        Assert.False(maps.Allows(memory.Address, memory.Address + 0x2fff, RegionFlags.Executable));
        Assert.False(maps.TryFind(0, out _));
    }

    [Fact]
    public void AProcessThatIsNotThereHasNoMappings()
    {
        Assert.Null(ProcessMaps.TryOpen(int.MaxValue));
        Assert.False(ProcessMapsText.TryFind(int.MaxValue, 0, nextToo: true, out _));
    }
}
