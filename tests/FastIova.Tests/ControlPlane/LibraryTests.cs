using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>The typed calls of programs in this process.</summary>
public sealed class LibraryTests
{
    [Fact]
    public void WhatIsMappedIsWhatAPortTranslatesAtOnce()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        using UserPages pages = new(4);
        using DmaPort port = engine.Iommu.OpenPort();
        IoasId ioas = context.AllocateIoas();
        using IommufdDevice device = context.Bind(port);
        device.Attach(ioas);
        ulong iova = context.Map(ioas, (nuint)pages.Address, 0x4000, Permission.ReadWrite);
        Assert.True(port.TryTranslate(iova + 0x2345, Permission.Write, out nuint host));
        Assert.Equal(pages.Address + 0x2345, host);
        Assert.Equal(0x4000UL, context.Unmap(ioas, iova, 0x4000));
        Assert.False(port.TryTranslate(iova, Permission.Read, out _));
        Assert.True(device.Detach());
        Assert.False(device.Detach());
    }

    [Fact]
    public void ARefusedCallNamesTheErrorAndTheRemedy()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        IommufdException refused = Assert.Throws<IommufdException>(() => context.UnmapAll(new IoasId(7)));
        Assert.Equal(Errno.NotFound, refused.Errno);
        Assert.Contains("ENOENT", refused.Message, StringComparison.Ordinal);
        IoasId ioas = context.AllocateIoas();
        Assert.Equal(Errno.NotFound, Assert.Throws<IommufdException>(() => context.Unmap(ioas, 0x1000, 0x1000)).Errno);
        Assert.Equal(0UL, context.UnmapAll(ioas));
        context.Destroy(ioas);
        Assert.Throws<IommufdException>(() => context.Destroy(ioas));
    }

    [Fact]
    public void CopiesAndListsWork()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        using UserPages pages = new(4);
        IoasId one = context.AllocateIoas();
        IoasId two = context.AllocateIoas();
        context.MapAt(one, 0x10_0000, (nuint)pages.Address, 0x4000, Permission.ReadWrite);
        Assert.True(context.Copy(one, 0x10_1000, 0x2000, two, Permission.Read) is 0x1000 or 0x2000, "The lowest iova that is aligned like the memory.");
        context.CopyTo(one, 0x10_0000, 0x1000, two, 0x20_0000, Permission.ReadWrite);
        Assert.Equal(0x3000UL, context.UnmapAll(two));
        context.Allow(two, [new IovaSpan(0x5000, 0x5fff)]);
        Assert.Equal(0x5000UL, context.Map(two, (nuint)pages.Address, 0x1000, Permission.Read));
        Assert.Equal(Errno.Invalid, Assert.Throws<IommufdException>(() => context.Allow(two, [new IovaSpan(0, 5), new IovaSpan(5, 9)])).Errno);
        Assert.Equal(new IovaSpan(0, ulong.MaxValue), Assert.Single(context.GetRanges(two, out ulong alignment)));
        Assert.Equal(1UL, alignment);
    }

    [Fact]
    public void WrittenPagesAreReported()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        using UserPages pages = new(4);
        using DmaPort port = engine.Iommu.OpenPort();
        using IommufdDevice device = context.Bind(port, new DeviceOptions { ReservedRegions = [new IovaSpan(0xfee0_0000, 0xfeef_ffff)] });
        IoasId ioas = context.AllocateIoas();
        HwptId hwpt = context.AllocateHwpt(ioas, device, tracksDirty: true);
        device.Attach(hwpt);
        Assert.Equal(2, context.GetRanges(ioas, out _).Count(span => span.First is 0 or 0xfef0_0000));
        context.MapAt(ioas, 0x10_0000, (nuint)pages.Address, 0x4000, Permission.ReadWrite);
        context.TrackDirty(hwpt, true);
        Assert.True(port.TryTranslate(0x10_2000, Permission.Write, out _));
        ulong[] bits = new ulong[1];
        context.ReadDirty(hwpt, IovaSpan.Of(0x10_0000, 0x4000), 0x1000, bits, clear: false);
        context.ReadDirty(hwpt, IovaSpan.Of(0x10_0000, 0x4000), 0x1000, bits);
        Assert.Equal(0b100UL, bits[0]);
        bits[0] = 0;
        context.ReadDirty(hwpt, IovaSpan.Of(0x10_0000, 0x4000), 0x1000, bits);
        Assert.Equal(0UL, bits[0]);
        Assert.Throws<ArgumentException>(() => context.ReadDirty(hwpt, IovaSpan.Of(0x10_0000, 0x4000), 0x10, new ulong[1]));
        Assert.Equal(Errno.Invalid, Assert.Throws<IommufdException>(() => context.ReadDirty(hwpt, IovaSpan.Of(0x10_0800, 0x1000), 0x1000, new ulong[1])).Errno);
        device.Detach();
        context.Destroy(hwpt);
    }

    [Fact]
    public void ARawIoctlTakesABufferAndPointersOfThisProcess()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        IoasId ioas = context.AllocateIoas();
        Span<byte> destroy = stackalloc byte[8];
        BitConverter.TryWriteBytes(destroy, 8);
        BitConverter.TryWriteBytes(destroy[4..], ioas.Number);
        Assert.Equal(0, context.Ioctl(0x3b80, destroy));
        Assert.Equal(-2, context.Ioctl(0x3b80, destroy));
        Assert.Equal(1, context.Ioctl(0x3b65, 3UL));
        Assert.Equal(-25, context.Ioctl(0x1234, 0UL));
    }

    [Fact]
    public void AFaultQueueOfThisProcessIsClosedByItsNumber()
    {
        using var engine = new Engine();
        IommufdContext context = engine.OpenIommufd();
        Span<byte> alloc = stackalloc byte[16];
        BitConverter.TryWriteBytes(alloc, 16);
        Assert.Equal(0, context.Ioctl(0x3b8e, alloc));
        int fd = BitConverter.ToInt32(alloc[12..]);
        context.Dispose();
        Assert.Equal(1, engine.OpenContexts);
        Assert.True(context.Close(fd));
        Assert.False(context.Close(fd));
        Assert.Equal(0, engine.OpenContexts);
    }

    [Fact]
    public void APortOfAnotherIommuIsRefused()
    {
        using var engine = new Engine();
        using var other = new Iommu();
        using IommufdContext context = engine.OpenIommufd();
        using DmaPort port = other.OpenPort();
        Assert.Throws<ArgumentException>(() => context.Bind(port));
    }

    [Theory]
    [InlineData(0L, 0L)]
    [InlineData(0x3fffL, 3L)]
    [InlineData(0x4000L, 4L)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public void TheEnginesLimitOfLockedMemoryStandsInThePlaceOfTheClients(long bytes, long pages)
    {
        using var engine = new Engine(new EngineOptions { LockedMemoryBytes = bytes });
        Assert.Equal(pages, engine.Local.LockLimitPages());
    }
}
