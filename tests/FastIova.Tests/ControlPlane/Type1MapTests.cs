using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>MAP_DMA, UNMAP_DMA and GET_INFO of a container of type 1.</summary>
public sealed class Type1MapTests
{
    private const ulong At = 0x10_0000;
    private const ulong Page = ContainerWorld.Page;
    private const uint Both = VfioConstants.MapRead | VfioConstants.MapWrite;

    [Theory]
    [InlineData(31u, Both, At, 0ul, Page, Errno.Invalid)]
    [InlineData(32u, 8u | Both, At, 0ul, Page, Errno.Invalid)]
    [InlineData(32u, Both, At, 0ul, 0ul, Errno.Invalid)]
    [InlineData(32u, 0u, At, 0ul, Page, Errno.Invalid)]
    [InlineData(32u, Both | VfioConstants.MapVaddr, At, 0ul, Page, Errno.Invalid)]
    [InlineData(32u, Both, ulong.MaxValue - 4095, 0ul, 2 * Page, Errno.Overflow)]
    [InlineData(32u, 0u, ulong.MaxValue - 4095, 0ul, 2 * Page, Errno.Overflow)] // before the permission
    [InlineData(32u, Both, At, ulong.MaxValue - 4095, 2 * Page, Errno.Overflow)]
    [InlineData(32u, Both, At + 0x800, 0ul, Page, Errno.Invalid)]
    [InlineData(32u, Both, At, 0x800ul, Page, Errno.Invalid)]
    [InlineData(32u, Both, At, 0ul, Page + 0x800, Errno.Invalid)]
    [InlineData(32u, VfioConstants.MapVaddr, At, 0ul, Page, Errno.NotFound)]
    [InlineData(32u, Both, 1ul << 48, 0ul, Page, Errno.Invalid)]
    [InlineData(32u, Both, (1ul << 48) - Page, 0ul, 2 * Page, Errno.Invalid)]
    [InlineData(32u, Both, At, 0x1000ul, Page, Errno.BadAddress)]
    [InlineData(32u, Both, At, ulong.MaxValue - 4095, Page, Errno.BadAddress)]
    internal void AMapIsCheckedInTheOrderOfLinux(uint argsz, uint flags, ulong iova, ulong address, ulong bytes, Errno expected)
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        var map = new VfioDmaMap { ArgSz = argsz, Flags = flags, Iova = iova, Vaddr = address == 0 ? world.World.Buffer : address == 0x800 ? world.World.Buffer + 0x800 : address, Bytes = bytes };
        Assert.Equal(-(long)expected, world.Call(VfioRequest.IommuMapDma, ref map));
        Assert.Equal((0, 0L, 65535u), (world.Iommu.EntryCount, world.Locked, world.Avail()));
        Assert.Equal(-(long)Errno.BadAddress, world.File.Ioctl(world.Client, (uint)VfioRequest.IommuMapDma, 8));
    }

    [Fact]
    public void WhatWrapsWasInvalidBefore()
    {
        using var world = new ContainerWorld(UapiLevel.Linux612);
        world.Set(world.Vfio.Add());
        Assert.Equal(-(long)Errno.Invalid, world.Map(ulong.MaxValue - 4095, 2 * Page));
        Assert.Equal(-(long)Errno.Invalid, world.Map(At, 2 * Page, at: ulong.MaxValue - 4095));
        Assert.Equal(-(long)Errno.Invalid, world.Unmap(ulong.MaxValue - 4095, 2 * Page).Result);
    }

    [Fact]
    public void AMapIsPinnedAndReadableAtOnceAndMayNotOverlap()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        world.Set(device);
        world.Number();
        Assert.Equal(0, world.Map(At, 4 * Page, flags: VfioConstants.MapRead));
        Assert.True(world.Reads(device, At + (3 * Page), 3 * Page));
        Assert.False(VfioWorld.ModelOf(device).Host!.Port.Write(At, new byte[8], out Fault fault));
        Assert.Equal(FaultReason.PermissionDenied, fault.Reason);
        Assert.Equal(-(long)Errno.AlreadyExists, world.Map(At + (3 * Page), 4 * Page));
        Assert.Equal(-(long)Errno.AlreadyExists, world.Map(At - Page, 2 * Page));
        Assert.Equal(0, world.Map(At + (4 * Page), Page));

        // Who may lock what it likes is charged all the same, but nothing is counted as pinned.
        Assert.Equal((5L, 0L, 65533u), (world.Locked, world.Pinned, world.Avail()));
    }

    [Fact]
    public void LockedMemoryIsChargedToTheProcessOnceForEachContainer()
    {
        using var world = new ContainerWorld(isCharged: true);
        world.Client.LimitPages = 5;
        world.Set(world.Vfio.Add());
        Assert.Equal(0, world.Map(At, 4 * Page));
        Assert.Equal(-(long)Errno.OutOfMemory, world.Map(At + 0x10_0000, 2 * Page));
        Assert.Equal((1, 4L, 65534u), (world.Iommu.EntryCount, world.Locked, world.Avail()));
        Assert.Equal(0, world.Map(At + 0x10_0000, Page)); // the same page again
        Assert.Equal(5, world.Locked);

        // Another container of the same process counts beside it.
        OpenFile other = world.World.Engine.Open(EngineNode.VfioContainer);
        int fd = world.Client.Install(other);
        VfioGroupFile group = world.Open(world.Vfio.Add("0000:02:00.0"));
        Assert.Equal(0, world.Join(group, fd));
        Assert.Equal(0, other.Ioctl(world.Client, (uint)VfioRequest.SetIommu, 3));
        world.World.Pages.At<VfioDmaMap>(0) = new VfioDmaMap { ArgSz = 32, Flags = 3, Iova = At, Vaddr = world.World.Buffer, Bytes = Page };
        Assert.Equal(-(long)Errno.OutOfMemory, other.Ioctl(world.Client, (uint)VfioRequest.IommuMapDma, world.World.Pages.Address));
        world.Client.Capabilities.Add(Capability.IpcLock);
        Assert.Equal(0, other.Ioctl(world.Client, (uint)VfioRequest.IommuMapDma, world.World.Pages.Address));
        Assert.Equal(6, world.Locked);
        Assert.Equal((0, Page), world.Unmap(At + 0x10_0000, Page));
        Assert.Equal(5, world.Locked);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MappingsBeyondTheClientsLimitAreRefusedAndComeBack(bool isStrict)
    {
        var refusals = new EventCount();
        Quota mappings = Limit(3);
        using (var world = new ContainerWorld(isStrict: isStrict, quotas: new Quotas(Limit(9), Limit(9), mappings, Limit(99), Limit(9))))
        {
            _ = world.Set(world.Vfio.Add());
            for (ulong i = 0; i < 3; i++)
            {
                Assert.Equal(0, world.Map(At + (i * Page)));
            }

            Assert.Equal(-(long)Errno.OutOfMemory, world.Map(At + (3 * Page)));
            Assert.Equal((3L, 1L), (mappings.Used, refusals.Count));
            Assert.Equal((0, Page), world.Unmap(At, Page));
            Assert.Equal(2, mappings.Used);
            Assert.Equal(0, world.Map(At + (3 * Page)));
        }

        Assert.Equal(0, mappings.Used);

        Quota Limit(long most) => new(most, null, refusals);
    }

    [Fact]
    public void ThereAreOnlySoManyEntries()
    {
        using var world = new ContainerWorld(entries: 3);
        world.Set(world.Vfio.Add());
        for (ulong i = 0; i < 3; i++)
        {
            Assert.Equal(3 - (uint)i, world.Avail());
            Assert.Equal(0, world.Map(At + (i * Page)));
        }

        Assert.Equal(0u, world.Avail());
        Assert.Equal(-(long)Errno.NoSpace, world.Map(At + (3 * Page)));
        Assert.Equal(-(long)Errno.NoSpace, world.Map(1UL << 60)); // before the iova is looked at
        Assert.Equal(-(long)Errno.AlreadyExists, world.Map(At)); // which overlaps first
        Assert.Equal((0, Page), world.Unmap(At, Page));
        Assert.Equal(0, world.Map(At + (3 * Page)));
    }

    [Theory]
    [InlineData(23u, 0u, At, Page, Errno.Invalid)]
    [InlineData(24u, 8u, At, Page, Errno.Invalid)]
    [InlineData(24u, 3u, 0ul, 0ul, Errno.Invalid)]
    [InlineData(24u, 5u, At, Page, Errno.Invalid)]
    [InlineData(24u, 1u, At, Page, Errno.Invalid)] // no room for a bitmap
    [InlineData(24u, 0u, At + 0x800, Page, Errno.Invalid)]
    [InlineData(24u, 0u, At, 0ul, Errno.Invalid)]
    [InlineData(24u, 0u, At, 0x800ul, Errno.Invalid)]
    [InlineData(24u, 0u, ulong.MaxValue - 4095, 2 * Page, Errno.Overflow)]
    [InlineData(24u, 2u, At, 0ul, Errno.Invalid)]
    [InlineData(24u, 2u, 0ul, Page, Errno.Invalid)]
    [InlineData(24u, 0u, At + Page, Page, Errno.Invalid)]
    [InlineData(24u, 0u, At, Page, Errno.Invalid)]
    [InlineData(24u, 0u, At + Page, 4 * Page, Errno.Invalid)]
    [InlineData(24u, 4u, At, Page, Errno.Invalid)]
    internal void AnUnmapIsCheckedInTheOrderOfLinux(uint argsz, uint flags, ulong iova, ulong bytes, Errno expected)
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        Assert.Equal(0, world.Map(At, 4 * Page));
        var unmap = new VfioDmaUnmap { ArgSz = argsz, Flags = flags, Iova = iova, Bytes = bytes };
        Assert.Equal(-(long)expected, world.Call(VfioRequest.IommuUnmapDma, ref unmap));
        Assert.Equal((bytes, 1), (unmap.Bytes, world.Iommu.EntryCount)); // the size is told on success alone
        Assert.Equal(-(long)Errno.BadAddress, world.File.Ioctl(world.Client, (uint)VfioRequest.IommuUnmapDma, 8));
    }

    [Fact]
    public void VersionTwoTakesWholeEntriesAndManyAtOnce()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        world.Set(device);
        world.Number();
        Assert.Equal((0, 0UL), world.Unmap(0, 0, VfioConstants.UnmapAll));
        for (ulong i = 0; i < 6; i++)
        {
            Assert.Equal(0, world.Map(At + (i * 4 * Page), 2 * Page, at: world.World.Buffer + (i * 2 * Page)));
        }

        Assert.Equal((0, 0UL), world.Unmap(At + (2 * Page), Page)); // a hole
        Assert.Equal((0, 4 * Page), world.Unmap(At + (2 * Page), 8 * Page));
        Assert.False(world.Reads(device, At + (4 * Page), 2 * Page));
        Assert.True(world.Reads(device, At + (12 * Page), 6 * Page));
        Assert.Equal((4, 8L), (world.Iommu.EntryCount, world.Locked));
        Assert.Equal((0, 8 * Page), world.Unmap(0, 0, VfioConstants.UnmapAll));
        Assert.Equal((0, 0L, 65535u), (world.Iommu.EntryCount, world.Locked, world.Avail()));
    }

    [Fact]
    public void VersionOneTakesWholeEntriesWhoseFirstPageIsInTheRange()
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add(), VfioExtension.Type1);
        Assert.Equal(0, world.Map(At, 4 * Page));
        Assert.Equal(0, world.Map(At + (4 * Page), 4 * Page));
        Assert.Equal((0, 0UL), world.Unmap(At + Page, Page)); // into the middle
        Assert.Equal((0, 0UL), world.Unmap(At + Page, 8 * Page)); // the entry that begins below stops the walk
        Assert.Equal((0, 4 * Page), world.Unmap(At + (4 * Page), Page)); // more than was asked for
        Assert.Equal((0, 4 * Page), world.Unmap(At - Page, 2 * Page));
        Assert.Equal((0, 0UL), world.Unmap(0, 0, VfioConstants.UnmapAll));
        Assert.Equal(0, world.Locked);
    }

    [Fact]
    public void AMapCanReachTheHighestIova()
    {
        // Without a domain any iova is allowed.
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        world.Set(device);
        var emulated = new VfioGroup(99, VfioGroupKind.Emulated);
        Assert.Equal(Errno.Success, world.Iommu.Attach(emulated));
        world.Iommu.Detach(device.Group);
        Assert.Equal(0, world.Map(ulong.MaxValue - 4095));
        Assert.Equal(0, world.Map(0));
        Assert.Equal((0, Page), world.Unmap(ulong.MaxValue - 4095, Page));
        Assert.Equal(0, world.Map(ulong.MaxValue - 4095));
        Assert.Equal((0, 2 * Page), world.Unmap(0, 0, VfioConstants.UnmapAll));
        Assert.Equal(Errno.Success, world.Iommu.Attach(device.Group));
        world.Iommu.Detach(emulated);
    }

    [Fact]
    public void ASuspendedMappingGoesOnAndGetsItsAddressAnew()
    {
        using var world = new ContainerWorld(isCharged: true);
        VfioDevice device = world.Vfio.Add();
        world.Set(device);
        world.Number();
        Assert.Equal(0, world.Map(At, 2 * Page));
        Assert.Equal(0, world.Map(At + (2 * Page), 2 * Page));
        Assert.Equal(-(long)Errno.Invalid, world.Map(At, 2 * Page, flags: VfioConstants.MapVaddr)); // not suspended
        Assert.Equal((0, 2 * Page), world.Unmap(At, 2 * Page, VfioConstants.UnmapVaddr));
        Assert.Equal((-(long)Errno.Invalid, 4 * Page), world.Unmap(At, 4 * Page, VfioConstants.UnmapVaddr)); // one of them is already
        Assert.Equal((0, 2 * Page), world.Unmap(At + (2 * Page), 2 * Page, VfioConstants.UnmapVaddr)); // the other one was left as it was
        Assert.Equal(-(long)Errno.Invalid, world.Unmap(0, 0, VfioConstants.UnmapAll | VfioConstants.UnmapVaddr).Result);
        Assert.True(world.Reads(device, At + Page, Page));
        Assert.Equal(-(long)Errno.AlreadyExists, world.Map(At));
        Assert.Equal(-(long)Errno.NotFound, world.Map(At + (8 * Page), flags: VfioConstants.MapVaddr));
        Assert.Equal(-(long)Errno.Invalid, world.Map(At, Page, flags: VfioConstants.MapVaddr)); // not as long
        Assert.Equal(-(long)Errno.Invalid, world.Map(At + Page, Page, flags: VfioConstants.MapVaddr));
        Assert.Equal(0, world.Map(At, 2 * Page, flags: VfioConstants.MapVaddr));
        Assert.Equal((0, 4 * Page), world.Unmap(0, 0, VfioConstants.UnmapAll));
        Assert.Equal(0, world.Locked);
        Assert.Equal(0, world.Map(At, 2 * Page));
        Assert.Equal((0, 2 * Page), world.Unmap(0, 0, VfioConstants.UnmapAll | VfioConstants.UnmapVaddr));
    }

    [Fact]
    public void WhoTellsTheNewAddressPaysFromThenOn()
    {
        using var memory = new ShadowMemory();
        using var world = new ContainerWorld(isCharged: true);
        var next = new Client { Space = memory, LimitPages = 3 };
        next.Capabilities.Clear();
        VfioDevice device = world.Vfio.Add();
        world.Set(device);
        world.Number();
        Assert.Equal(0, world.Map(At, 4 * Page));
        Assert.Equal(0, world.Unmap(At, 4 * Page, VfioConstants.UnmapVaddr).Result);
        Assert.Equal(-(long)Errno.OutOfMemory, world.Map(At, 4 * Page, flags: VfioConstants.MapVaddr, by: next));
        Assert.Equal((4L, 0L), (world.Locked, memory.Tally.LockedPages));
        next.LimitPages = 4;
        Assert.Equal(0, world.Map(At, 4 * Page, flags: VfioConstants.MapVaddr, by: next));
        Assert.Equal((0L, 4L), (world.Locked, memory.Tally.LockedPages));
        Assert.True(world.Reads(device, At, 0));
        Assert.Equal((0, 4 * Page), world.Unmap(At, 4 * Page));
        Assert.Equal(0, memory.Tally.LockedPages);
    }

    [Fact]
    public void TheNewAddressIsWherePagesArePinnedNext()
    {
        using var world = new ContainerWorld(isCharged: true);
        VfioDevice device = world.Vfio.Add();
        world.Set(device);
        world.Number();
        Assert.Equal(0, world.Map(At, 4 * Page));
        Assert.Equal(0, world.Unmap(At, 4 * Page, VfioConstants.UnmapVaddr).Result);
        Assert.Equal(0, world.Map(At, 4 * Page, at: world.World.Buffer + (8 * Page), flags: VfioConstants.MapVaddr));
        Assert.True(world.Reads(device, At + Page, Page)); // what is pinned stays where it was
        var emulated = new VfioGroup(99, VfioGroupKind.Emulated);
        Assert.Equal(Errno.Success, world.Iommu.Attach(emulated));
        world.Iommu.Detach(device.Group);
        Assert.Equal(0, world.Locked);
        Assert.Equal(Errno.Success, world.Iommu.Attach(device.Group));
        Assert.Equal(4, world.Locked);
        Assert.True(world.Reads(device, At + Page, 9 * Page));
        world.Iommu.Detach(emulated);
    }

    [Fact]
    public void TheInformationIsToldWholeOrNotAtAll()
    {
        using var world = new ContainerWorld(entries: 77);
        world.Set(world.Vfio.Add(iommu: new DeviceOptions { ReservedRegions = [new IovaSpan(0xfee0_0000, 0xfeef_ffff)] }));
        const uint Whole = 24 + 32 + 16 + 16 + (2 * 16);
        UserPages pages = world.World.Pages;
        Assert.Equal(-(long)Errno.Invalid, world.Info(15));
        Assert.Equal(-(long)Errno.BadAddress, world.File.Ioctl(world.Client, (uint)VfioRequest.IommuGetInfo, 8));

        Assert.Equal(0, world.Info(16));
        Assert.Equal((Whole, 3u), (pages.At<uint>(0), pages.At<uint>(4)));
        Assert.Equal(4096UL, pages.At<ulong>(8) & (~pages.At<ulong>(8) + 1));
        Assert.True(pages.Bytes[16..512].IndexOfAnyExcept((byte)0xa5) < 0);

        Assert.Equal(0, world.Info(Whole - 1));
        Assert.Equal((Whole, 0u), (pages.At<uint>(0), pages.At<VfioType1Info>(0).CapOffset));
        Assert.True(pages.Bytes[24..512].IndexOfAnyExcept((byte)0xa5) < 0);

        // With room enough the length stays what it was.
        Assert.Equal(0, world.Info(500));
        Assert.Equal((500u, 24u), (pages.At<uint>(0), pages.At<VfioType1Info>(0).CapOffset));
        VfioCapMigration migration = pages.At<VfioCapMigration>(24);
        Assert.Equal((2, 1, 56u, 0u, 4096UL, 1UL << 28), (migration.Header.Id, migration.Header.Version, migration.Header.Next, migration.Flags, migration.PgSizeBitmap, migration.MaxDirtyBitmapSize));
        VfioCapDmaAvail avail = pages.At<VfioCapDmaAvail>(56);
        Assert.Equal((3, 1, 72u, 77u), (avail.Header.Id, avail.Header.Version, avail.Header.Next, avail.Avail));
        VfioCapIovaRange ranges = pages.At<VfioCapIovaRange>(72);
        Assert.Equal((1, 1, 0u, 2u), (ranges.Header.Id, ranges.Header.Version, ranges.Header.Next, ranges.NrIovas));
        Assert.Equal([new IovaSpan(0, 0xfedf_ffff), new IovaSpan(0xfef0_0000, (1UL << 48) - 1)], world.Ranges());
    }
}
