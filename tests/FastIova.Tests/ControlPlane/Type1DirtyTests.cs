using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>DIRTY_PAGES of a container of type 1, and unmaps that read what was written.</summary>
public sealed class Type1DirtyTests
{
    private const ulong At = 0x10_0000;
    private const ulong Page = ContainerWorld.Page;

    [Fact]
    public void VersionOneTracksNothing()
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add(), VfioExtension.Type1);
        Assert.Equal(-(long)Errno.AccessDenied, world.Dirty(VfioConstants.DirtyStart));
        Assert.Equal(-(long)Errno.AccessDenied, world.File.Ioctl(world.Client, (uint)VfioRequest.IommuDirtyPages, 8));
        Assert.Equal(0, world.Map(At));
        Assert.Equal(-(long)Errno.Invalid, world.UnmapDirty(At, Page, world.Bitmap(8)).Result);
    }

    [Theory]
    [InlineData(7u, 1u)]
    [InlineData(8u, 0u)]
    [InlineData(8u, 3u)]
    [InlineData(8u, 5u)]
    [InlineData(8u, 8u)]
    [InlineData(8u, 4u)]
    [InlineData(47u, 4u)]
    public void ACallIsForOneThing(uint argsz, uint flags)
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        Assert.Equal(-(long)Errno.Invalid, world.Dirty(flags, argsz));
        Assert.Equal(-(long)Errno.BadAddress, world.File.Ioctl(world.Client, (uint)VfioRequest.IommuDirtyPages, 8));
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStop)); // also when it is off
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
    }

    [Theory]
    [InlineData(At, 0ul, Page, 8ul, Errno.Invalid)]
    [InlineData(ulong.MaxValue - 4095, 2 * Page, Page, 8ul, Errno.Overflow)]
    [InlineData(At, Page, 0ul, 8ul, Errno.Invalid)]
    [InlineData(At, Page, 2 * Page, 8ul, Errno.Invalid)] // not a page of it
    [InlineData(At, 2 * Page, 2 * Page, 8ul, Errno.Invalid)] // not the smallest
    [InlineData(At, 8 * Page, 0x800ul, 8ul, Errno.Invalid)]
    [InlineData(At, 8 * Page, Page, 0ul, Errno.Invalid)]
    [InlineData(At, 8 * Page, Page, (1ul << 28) + 8, Errno.Invalid)]
    [InlineData(At, 65 * Page, Page, 8ul, Errno.Invalid)]
    [InlineData(At + 0x800, 8 * Page, Page, 8ul, Errno.Invalid)]
    [InlineData(At, (8 * Page) + 0x800, Page, 8ul, Errno.Invalid)]
    [InlineData(At + Page, 7 * Page, Page, 8ul, Errno.Invalid)] // cuts an entry
    [InlineData(At, 7 * Page, Page, 8ul, Errno.Invalid)]
    [InlineData(At, 8 * Page, Page, 8ul, Errno.Success)]
    [InlineData(At, 64 * Page, Page, 8ul, Errno.Success)]
    internal void AQuestionIsCheckedInTheOrderOfLinux(ulong iova, ulong bytes, ulong pageSize, ulong bitmapBytes, Errno expected)
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        Assert.Equal(0, world.Map(At, 8 * Page));
        Assert.Equal(-(long)(expected == Errno.Overflow ? expected : Errno.Invalid), world.GetDirty(iova, bytes, world.Bitmap(bitmapBytes, pageSize))); // off
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        world.Words(2).Fill(0x5a5a);
        Assert.Equal(-(long)expected, world.GetDirty(iova, bytes, world.Bitmap(bitmapBytes, pageSize)));
        Assert.Equal(expected == Errno.Success ? 0xffUL : 0x5a5a, world.Words(1)[0]);
    }

    [Fact]
    public void ARangeUpToTheHighestIovaDidWrapBefore()
    {
        const ulong Last = ulong.MaxValue - 4095;
        using var old = new ContainerWorld(UapiLevel.Linux612);
        old.Set(old.Vfio.Add());
        Assert.Equal(0, old.Dirty(VfioConstants.DirtyStart));
        Assert.Equal(-(long)Errno.Invalid, old.GetDirty(Last, Page, old.Bitmap(8)));
        Assert.Equal(-(long)Errno.Invalid, old.GetDirty(Last, 2 * Page, old.Bitmap(8)));
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        Assert.Equal(0, world.GetDirty(Last, Page, world.Bitmap(8)));
    }

    [Fact]
    public void ABitmapMustLieInMemoryOfAUser()
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        Assert.Equal(0, world.Map(At));
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        VfioBitmap kernel = world.Bitmap(8) with { Data = 0xffff_8000_0000_0000 };
        VfioBitmap hole = world.Bitmap(8) with { Data = world.World.Pages.End };
        Assert.Equal(-(long)Errno.Invalid, world.GetDirty(At, Page, kernel));
        Assert.Equal(-(long)Errno.BadAddress, world.GetDirty(At, Page, hole));
        Assert.Equal(-(long)Errno.Invalid, world.UnmapDirty(At, Page, kernel).Result);
        Assert.Equal((-(long)Errno.BadAddress, Page), world.UnmapDirty(At, Page, hole));
        Assert.Equal(1, world.Iommu.EntryCount);
    }

    [Fact]
    public void EverythingThatADeviceCanWriteCountsAsWrittenEachTime()
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        Assert.Equal(0, world.Map(At, 3 * Page));
        Assert.Equal(0, world.Map(At + (5 * Page), 60 * Page)); // reaches into the second word
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        for (int i = 0; i < 2; i++)
        {
            Span<ulong> words = world.Words(3);
            words.Clear();
            words[2] = 0x77;
            Assert.Equal(0, world.GetDirty(At, 128 * Page, world.Bitmap(16)));
            words = world.Words(3);
            Assert.Equal((~(3UL << 3), 1UL, 0x77UL), (words[0], words[1], words[2]));
        }

        // Where an entry begins within a word, what stands in that word is kept; the others are written whole.
        world.Words(2).Fill(1UL << 4 | 1UL << 63);
        Assert.Equal(0, world.GetDirty(At, 128 * Page, world.Bitmap(16)));
        Assert.Equal((~(3UL << 3), 1UL), (world.Words(2)[0], world.Words(2)[1]));
        world.Words(1)[0] = 0x5a;
        Assert.Equal(0, world.GetDirty(At + (70 * Page), Page, world.Bitmap(8))); // nothing is mapped there
        Assert.Equal(0x5aUL, world.Words(1)[0]);
    }

    [Fact]
    public void AnUnmapTellsWhatItTakesAway()
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        Assert.Equal(0, world.Map(At, 2 * Page));
        Assert.Equal(0, world.Map(At + (4 * Page), 2 * Page));
        Assert.Equal(-(long)Errno.Invalid, world.UnmapDirty(At, 6 * Page, world.Bitmap(8)).Result); // off
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        Assert.Equal(-(long)Errno.Invalid, world.UnmapDirty(At, 6 * Page, world.Bitmap(8), argsz: 47).Result);
        Assert.Equal(-(long)Errno.Invalid, world.UnmapDirty(At, 6 * Page, world.Bitmap(8), flags: 3).Result);
        Assert.Equal(-(long)Errno.Invalid, world.UnmapDirty(At, 6 * Page, world.Bitmap(8), flags: 5).Result);
        Assert.Equal(-(long)Errno.Invalid, world.UnmapDirty(At, 6 * Page, world.Bitmap(8, 2 * Page)).Result);
        Assert.Equal(-(long)Errno.Invalid, world.UnmapDirty(At, 5 * Page, world.Bitmap(8)).Result);
        Assert.Equal(2, world.Iommu.EntryCount);
        world.Words(1).Clear();
        Assert.Equal((0, 4 * Page), world.UnmapDirty(At, 6 * Page, world.Bitmap(8)));
        Assert.Equal(0x33UL, world.Words(1)[0]);
        Assert.Equal((0, 0L), (world.Iommu.EntryCount, world.Locked));
    }

    [Fact]
    public void AnUnmapThatCannotTellStopsThere()
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        Assert.Equal(0, world.Map(At, 64 * Page));
        Assert.Equal(0, world.Map(At + (64 * Page), Page));
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));

        // The second word lies where nothing is.
        VfioBitmap bitmap = world.Bitmap(16) with { Data = world.World.Pages.End - 8 };
        Assert.Equal((-(long)Errno.BadAddress, 65 * Page), world.UnmapDirty(At, 65 * Page, bitmap));
        Assert.Equal((1, 1L), (world.Iommu.EntryCount, world.Locked));
        Assert.Equal((0, Page), world.Unmap(0, 0, VfioConstants.UnmapAll));
    }

    [Fact]
    public void WhatADeviceMayHaveWrittenIsToldOnceMoreWhenItHasLeft()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        world.Set(device);
        var emulated = new VfioGroup(99, VfioGroupKind.Emulated);
        Assert.Equal(Errno.Success, world.Iommu.Attach(emulated));
        Assert.Equal(0, world.Map(At, 2 * Page));
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        world.Iommu.Detach(device.Group);
        foreach (ulong expected in (ulong[])[3, 0])
        {
            world.Words(1)[0] = 0xff;
            Assert.Equal(0, world.GetDirty(At, 2 * Page, world.Bitmap(8)));
            Assert.Equal(expected, world.Words(1)[0]);
        }

        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStop));
        Assert.Equal(-(long)Errno.Invalid, world.GetDirty(At, 2 * Page, world.Bitmap(8)));
        Assert.Equal(Errno.Success, world.Iommu.Attach(device.Group));
        world.Iommu.Detach(emulated);
    }

    [Fact]
    public void AnEntryOfMorePagesThanABitmapHasBitsCannotBeTracked()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        world.Set(device);
        var emulated = new VfioGroup(99, VfioGroupKind.Emulated);
        Assert.Equal(Errno.Success, world.Iommu.Attach(emulated));
        world.Iommu.Detach(device.Group);
        const ulong Most = (1UL << 43) - Page;
        Assert.Equal(0, world.Map(At, Most + Page, at: 0x10000));
        Assert.Equal(-(long)Errno.Invalid, world.Dirty(VfioConstants.DirtyStart));
        Assert.Equal(0, world.Unmap(0, 0, VfioConstants.UnmapAll).Result);
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        Assert.Equal(-(long)Errno.Invalid, world.Map(At, Most + Page, at: 0x10000));
        Assert.Equal((0, 65535u), (world.Iommu.EntryCount, world.Avail()));
        Assert.Equal(0, world.Map(At, Most, at: 0x10000));
        Assert.Equal(Most, world.Unmap(0, 0, VfioConstants.UnmapAll).Bytes);
        Assert.Equal(Errno.Success, world.Iommu.Attach(device.Group));
        world.Iommu.Detach(emulated);
    }
}
