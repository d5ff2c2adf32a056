using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>VFIO's own container: groups that come and go, and what it can be set to.</summary>
public sealed class Type1ContainerTests
{
    private const ulong At = 0x10_0000;
    private static readonly IovaSpan Interrupts = new(0xfee0_0000, 0xfeef_ffff);

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 0, 0)]
    [InlineData(3, 1, 1)]
    [InlineData(4, 0, 0)]
    [InlineData(5, 0, 0)]
    [InlineData(6, 0, 0)]
    [InlineData(7, 0, 0)]
    [InlineData(8, 0, 0)]
    [InlineData(9, 1, 1)]
    [InlineData(10, 0, 1)]
    [InlineData(0x1_0000_0001, 0, 0)]
    public void ExtensionsAreAnsweredBeforeItIsSetAndAfter(long extension, long before, long after)
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        Assert.Equal(before, world.Check((VfioExtension)extension));
        VfioGroupFile group = world.Joined(device);
        Assert.Equal(before, world.Check((VfioExtension)extension));
        Assert.Equal(0, world.SetIommu(VfioExtension.Type1V2));
        Assert.Equal(after, world.Check((VfioExtension)extension));
        Assert.Equal(0, world.Leave(group));
        Assert.Equal(before, world.Check((VfioExtension)extension));
    }

    [Fact]
    public void NothingButItsOwnCallsIsAnsweredBeforeItIsSet()
    {
        using var world = new ContainerWorld();
        Assert.Equal(0, world.File.Ioctl(world.Client, (uint)VfioRequest.GetApiVersion, 77));
        Assert.Equal(-(long)Errno.Invalid, world.SetIommu(VfioExtension.Type1V2));
        world.Joined(world.Vfio.Add());
        foreach (uint request in (uint[])[0x3b70, 0x3b71, 0x3b72, 0x3b73, 0x3b75, 0x3bff, (uint)IommufdRequest.IoasAlloc])
        {
            Assert.Equal(-(long)Errno.Invalid, world.File.Ioctl(world.Client, request, world.World.Pages.Address));
        }

        Assert.Equal(0, world.SetIommu(VfioExtension.Type1V2));
        Assert.Equal(-(long)Errno.Invalid, world.SetIommu(VfioExtension.Type1V2));
        Assert.Equal(-(long)Errno.NotATypewriter, world.File.Ioctl(world.Client, 0x3b73, 0));
        Assert.Equal(-(long)Errno.NotATypewriter, world.File.Ioctl(world.Client, 0x3b74, 0));
        Assert.Equal(-(long)Errno.NotATypewriter, world.File.Ioctl(world.Client, (uint)IommufdRequest.IoasAlloc, world.World.Pages.Address));
        Assert.True(world.File.IsReadable && world.File.IsWritable);
    }

    [Theory]
    [InlineData(0, Errno.NoDevice)]
    [InlineData(2, Errno.NoDevice)]
    [InlineData(4, Errno.NoDevice)]
    [InlineData(6, Errno.NoDevice)]
    [InlineData(8, Errno.NoDevice)]
    [InlineData(9, Errno.Invalid)]
    [InlineData(10, Errno.NoDevice)]
    internal void WhatIsNoTypeCannotBeSet(ulong type, Errno expected)
    {
        using var world = new ContainerWorld();
        world.Joined(world.Vfio.Add());
        Assert.Equal(-(long)expected, world.SetIommu((VfioExtension)type));
        Assert.Equal(0, world.SetIommu(VfioExtension.Type1));
    }

    [Fact]
    public void NestingWasAnExtensionThatNoIommuHere()
    {
        using var world = new ContainerWorld(UapiLevel.Linux612);
        world.Joined(world.Vfio.Add());
        Assert.Equal(1, world.Check(VfioExtension.Type1Nesting));
        Assert.Equal(-(long)Errno.Invalid, world.SetIommu(VfioExtension.Type1Nesting));
    }

    [Fact]
    public void AGroupIsInOneContainerAndLeavesItWhenNoDeviceIsOpen()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        VfioGroupFile group = world.Open(device);
        Assert.Equal(-(long)Errno.Invalid, world.Leave(group));
        Assert.Equal(-(long)Errno.Invalid, world.Device(group, device, out _));
        Assert.Equal(-(long)Errno.BadDescriptor, world.Join(group, -1));
        Assert.Equal(-(long)Errno.BadDescriptor, world.Join(group, 4711));
        int other = world.Client.Install(VfioWorld.Open(device));
        Assert.Equal(-(long)Errno.BadDescriptorState, world.Join(group, other));
        Assert.Equal(-(long)Errno.BadAddress, group.Ioctl(world.Client, (uint)VfioRequest.GroupSetContainer, 8));
        Assert.Equal(1u, Status(world, group));

        Assert.Equal(0, world.Join(group));
        Assert.Equal(3u, Status(world, group));
        Assert.Equal(-(long)Errno.Invalid, world.Join(group));
        Assert.Equal(-(long)Errno.Invalid, world.Join(group, world.Vfio.Iommufd));
        Assert.Equal(-(long)Errno.Invalid, world.Device(group, device, out _)); // not set yet
        Assert.Equal(0, world.SetIommu(VfioExtension.Type1V2));
        Assert.True(world.Device(group, device, out OpenFile? first) >= 0);
        Assert.True(world.Device(group, device, out OpenFile? second) >= 0);
        Assert.Equal(-(long)Errno.Busy, world.Leave(group));
        first!.Close();
        Assert.Equal(-(long)Errno.Busy, world.Leave(group));
        second!.Close();
        Assert.Equal(0, world.Leave(group));
        Assert.Equal(1u, Status(world, group));

        // An iommufd can be the container as well.
        Assert.Equal(0, world.Join(group, world.Vfio.Iommufd));
        Assert.True(world.Device(group, device, out OpenFile? third) >= 0);
        Assert.Equal(0, world.Leave(group));
        third!.Close();
    }

    [Fact]
    public void AnOpenDeviceKeepsItsGroupOpenAndInTheContainer()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        VfioGroupFile group = world.Set(device);
        world.Number();
        Assert.Equal(0, world.Map(At));
        Assert.True(world.Device(group, device, out OpenFile? file) >= 0);
        group.Close();
        world.Client.Close(world.Fd);
        Assert.Equal(Errno.Busy, VfioGroupFile.Open(world.Client, device.Group, out _));
        Assert.True(world.Reads(device, At, 0));
        Assert.Equal(1, world.Locked);

        file!.Close();
        Assert.False(world.Reads(device, At, 0));
        Assert.Equal(0, world.Locked);
        Assert.Equal(Errno.Success, VfioGroupFile.Open(world.Client, device.Group, out VfioGroupFile? again));
        again!.Close();
    }

    [Fact]
    public void TheLastGroupTakesEverythingWithIt()
    {
        using var world = new ContainerWorld(isCharged: true);
        VfioDevice device = world.Vfio.Add();
        VfioGroupFile group = world.Set(device);
        world.Number();
        Assert.Equal(0, world.Map(At, 4 * ContainerWorld.Page));
        Assert.Equal(0, world.Unmap(At, 4 * ContainerWorld.Page, VfioConstants.UnmapVaddr).Result);
        Type1Iommu iommu = world.Iommu;
        Assert.Equal(4, world.Locked);
        Assert.Equal(0, world.Leave(group));
        Assert.Equal((0, 0, 0L), (iommu.EntryCount, iommu.DomainCount, world.Locked));
        Assert.Equal(-(long)Errno.Invalid, world.Map(At));

        // A call that was on its way finds nothing to act on.
        var map = new VfioDmaMap { ArgSz = 32, Flags = 3, Vaddr = world.World.Buffer, Iova = At, Bytes = 4096 };
        System.Runtime.InteropServices.MemoryMarshal.Write(world.World.Pages.Bytes, map);
        Assert.Equal(-(long)Errno.Invalid, iommu.Run(world.Client, (uint)VfioRequest.IommuMapDma, new CallArgument(world.Client.Memory, world.World.Pages.Address)));

        // Set anew it begins anew.
        Assert.Equal(0, world.Join(group));
        Assert.Equal(0, world.SetIommu(VfioExtension.Type1));
        Assert.Equal(0, world.Map(At));
    }

    [Fact]
    public void AGroupThatJoinsLaterSeesWhatIsMapped()
    {
        using var world = new ContainerWorld(isCharged: true);
        VfioDevice first = world.Vfio.Add();
        VfioDevice second = world.Vfio.Add("0000:02:00.0");
        VfioDevice third = world.Vfio.Add("0000:03:00.0", iommu: new DeviceOptions { Domain = new DomainOptions { Aperture = new IovaSpan(0, (1UL << 39) - 1) } });
        VfioGroupFile group = world.Set(first);
        world.Number();
        Assert.Equal(0, world.Map(At, 4 * ContainerWorld.Page));

        // One whose IOMMU is alike shares the domain; one that reaches less far gets one of its own. Nobody pays twice.
        world.Joined(second);
        Assert.Equal((1, 4L), (world.Iommu.DomainCount, world.Locked));
        VfioGroupFile narrow = world.Joined(third);
        Assert.Equal((2, 4L), (world.Iommu.DomainCount, world.Locked));
        Assert.All(new[] { first, second, third }, device => Assert.True(world.Reads(device, At + ContainerWorld.Page, ContainerWorld.Page)));
        Assert.Equal([new IovaSpan(0, (1UL << 39) - 1)], world.Ranges());
        Assert.Equal(-(long)Errno.Invalid, world.Map(1UL << 39));

        // The groups that are left keep what is mapped, and the range grows when the domain that bounded it goes.
        Assert.Equal(0, world.Leave(group));
        Assert.Equal(0, world.Leave(narrow));
        Assert.False(world.Reads(third, At, 0));
        Assert.True(world.Reads(second, At, 0));
        Assert.Equal([new IovaSpan(0, (1UL << 48) - 1)], world.Ranges());
        Assert.Equal((1, 4L), (world.Iommu.DomainCount, world.Locked));
    }

    [Fact]
    public void AGroupThatWouldTakeAwayWhatIsMappedCannotJoin()
    {
        using var world = new ContainerWorld();
        VfioDevice wide = world.Vfio.Add();
        VfioDevice narrow = world.Vfio.Add("0000:02:00.0", iommu: new DeviceOptions { Domain = new DomainOptions { Aperture = new IovaSpan(0, 0xffff_ffff) } });
        VfioDevice high = world.Vfio.Add("0000:03:00.0", iommu: new DeviceOptions { Domain = new DomainOptions { Aperture = new IovaSpan(1UL << 32, (1UL << 40) - 1) } });
        VfioDevice reserved = world.Vfio.Add("0000:04:00.0", iommu: new DeviceOptions { ReservedRegions = [Interrupts] });
        world.Set(wide);
        VfioGroupFile group = world.Open(narrow);
        Assert.Equal(0, world.Map(1UL << 32));
        Assert.Equal(-(long)Errno.Invalid, world.Join(group));
        Assert.Equal(1u, Status(world, group)); // and nothing of it is left
        Assert.Equal((0, 4096UL), world.Unmap(1UL << 32, 4096));
        Assert.Equal(0, world.Join(group));
        Assert.Equal(-(long)Errno.Invalid, world.Join(world.Open(high))); // nothing in common

        VfioGroupFile interrupts = world.Open(reserved);
        Assert.Equal(0, world.Map(Interrupts.First + 0x1000));
        Assert.Equal(-(long)Errno.Invalid, world.Join(interrupts));
        Assert.Equal(0, world.Unmap(0, 0, VfioConstants.UnmapAll).Result);
        Assert.Equal(0, world.Join(interrupts));
        Assert.Equal([new IovaSpan(0, Interrupts.First - 1), new IovaSpan(Interrupts.Last + 1, 0xffff_ffff)], world.Ranges());
        Assert.Equal(-(long)Errno.Invalid, world.Map(Interrupts.First - 0x1000, 0x2000));
        Assert.Equal(-(long)Errno.Invalid, world.Map(Interrupts.First));
        Assert.Equal(0, world.Map(Interrupts.First - 0x1000));

        // The region is free again when its device has left.
        Assert.Equal(0, world.Leave(interrupts));
        Assert.Equal([new IovaSpan(0, 0xffff_ffff)], world.Ranges());
    }

    [Fact]
    public void ARegionAtTheEndOfTheRangeStaysOutUntilADomainGoes()
    {
        using var world = new ContainerWorld();
        var low = new IovaSpan(0, 0xffff);
        VfioDevice first = world.Vfio.Add();
        VfioDevice second = world.Vfio.Add("0000:02:00.0", iommu: new DeviceOptions { ReservedRegions = [low] });
        VfioDevice third = world.Vfio.Add("0000:03:00.0", iommu: new DeviceOptions { Domain = new DomainOptions { Aperture = new IovaSpan(0, 0xffff_ffff) } });
        world.Set(first);
        VfioGroupFile group = world.Joined(second);
        Assert.Equal(0, world.Leave(group));
        Assert.Equal(0x1_0000UL, world.Ranges()[0].First);
        group = world.Joined(third);
        Assert.Equal(0, world.Leave(group));
        Assert.Equal([new IovaSpan(0, (1UL << 48) - 1)], world.Ranges());
    }

    [Fact]
    public void NoGroupJoinsWhileAddressesAreSuspended()
    {
        using var world = new ContainerWorld();
        world.Set(world.Vfio.Add());
        VfioGroupFile other = world.Open(world.Vfio.Add("0000:02:00.0"));
        Assert.Equal(0, world.Map(At));
        Assert.Equal((0, 4096UL), world.Unmap(At, 4096, VfioConstants.UnmapVaddr));
        Assert.Equal(-(long)Errno.Busy, world.Join(other));
        Assert.Equal(0, world.Map(At, flags: VfioConstants.MapVaddr));
        Assert.Equal(0, world.Join(other));
    }

    [Fact]
    public void AGroupHasOneOwner()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        VfioDevice sibling = world.Vfio.Add("0000:01:01.0", group: device.Group.Number);
        VfioGroupFile group = world.Open(device);

        // A device that an opening before this one has given out still belongs to its iommufd.
        Assert.Equal(0, world.Join(group, world.Vfio.Iommufd));
        Assert.True(world.Device(group, device, out OpenFile? old) >= 0);
        group.Close();
        group = world.Open(device);
        Assert.Equal(0u, Status(world, group));
        Assert.Equal(-(long)Errno.NotPermitted, world.Join(group));
        old!.Close();
        Assert.Equal(0, world.Join(group));
        Assert.Equal(0, world.SetIommu(VfioExtension.Type1V2));
        world.Number();
        Assert.Equal(0, world.Map(At));
        Assert.True(world.Reads(device, At, 0) && world.Reads(sibling, At, 0));
    }

    [Fact]
    public void AnEmulatedGroupNeedsNoDomainAndKeepsAddressesFromBeingSuspended()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add();
        VfioGroupFile group = world.Set(device);
        Assert.Equal(0, world.Map(At, 4 * ContainerWorld.Page));
        var emulated = new VfioGroup(99, VfioGroupKind.Emulated);
        Assert.Equal(Errno.Success, world.Iommu.Attach(emulated));
        Assert.Equal(Errno.Invalid, world.Iommu.Attach(emulated));
        Assert.Equal(0, world.Check(VfioExtension.UpdateVaddr));
        Assert.Equal((-(long)Errno.Busy, 0x4000UL), world.Unmap(At, 0x4000, VfioConstants.UnmapVaddr));

        // Its mappings stay when the last group with an IOMMU goes, but nothing is pinned for it.
        Assert.Equal(4, world.Locked);
        world.Iommu.Detach(device.Group);
        Assert.Equal((1, 0, 0L), (world.Iommu.EntryCount, world.Iommu.DomainCount, world.Locked));
        Assert.Equal(0, world.Map(1UL << 60, 0x1000, at: 0x1000)); // anywhere, of whatever
        Assert.Equal(Errno.Invalid, world.Iommu.Attach(device.Group)); // which no domain reaches
        Assert.Equal((0, 0x1000UL), world.Unmap(1UL << 60, 0x1000));
        Assert.Equal(0, world.Map(1UL << 40, 0x1000, at: 0x1000));
        Assert.Equal(Errno.BadAddress, world.Iommu.Attach(device.Group));
        Assert.Equal(0, world.Locked);
        Assert.Equal((0, 0x1000UL), world.Unmap(1UL << 40, 0x1000));
        Assert.Equal(Errno.Success, world.Iommu.Attach(device.Group));
        Assert.Equal(4, world.Locked);
        world.Iommu.Detach(emulated);
        Assert.Equal(1, world.Check(VfioExtension.UpdateVaddr));
        Assert.Equal(0, world.Leave(group));
    }

    private static uint Status(ContainerWorld world, VfioGroupFile group)
    {
        world.World.Pages.At<VfioGroupStatus>(0) = new VfioGroupStatus { ArgSz = 8 };
        Assert.Equal(0, group.Ioctl(world.Client, (uint)VfioRequest.GroupGetStatus, world.World.Pages.Address));
        return world.World.Pages.At<VfioGroupStatus>(0).Flags;
    }
}
