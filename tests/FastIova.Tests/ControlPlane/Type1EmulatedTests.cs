using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Emulated devices in a container of type 1: they pin what they touch, and nothing else of it counts as written.</summary>
public sealed class Type1EmulatedTests
{
    private const ulong At = 0x10_0000;
    private const ulong Page = ContainerWorld.Page;

    [Fact]
    public void WhatItHasPinnedIsToldAsWrittenAndAnUnmapTakesItBack()
    {
        using var world = new ContainerWorld();
        VfioDevice device = Add(world);
        VfioGroupFile group = world.Set(device);
        Assert.Equal(0, world.Map(At, 8 * Page));
        Assert.True(world.Device(group, device, out OpenFile? file) >= 0);
        PciDeviceHost host = VfioWorld.ModelOf(device).Host!;
        world.World.Pages.Bytes.Slice(World.BufferOffset + 8, 3).Clear();

        Assert.True(host.WriteMemory(At + 8, [1, 2, 3], out _));
        Assert.Equal<byte>([1, 2, 3], world.World.Pages.Bytes.Slice(World.BufferOffset + 8, 3).ToArray());
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        Assert.True(host.WriteMemory(At + (5 * Page), [1], out _));
        Assert.Equal(0b10_0001UL, Told(world));
        Assert.Equal(0b10_0001UL, Told(world)); // what is pinned may be written at any time
        Assert.Equal(2, device.Emulated!.PinnedPages);

        Assert.Equal((0, 8 * Page), world.Unmap(At, 8 * Page));
        Assert.Equal(0, device.Emulated.PinnedPages);
        Assert.False(host.WriteMemory(At, [1], out Fault fault));
        Assert.Equal(FaultReason.NotMapped, fault.Reason);
        file!.Close();
        Assert.False(host.WriteMemory(At, [1], out fault));
        Assert.Equal(FaultReason.NotAttached, fault.Reason);
        Assert.Equal(0, world.Locked);
    }

    [Fact]
    public void APageThatWasPinnedSinceTheLastQuestionIsToldOnce()
    {
        using var world = new ContainerWorld();
        VfioDevice device = Add(world);
        VfioGroupFile group = world.Set(device);
        Assert.Equal(0, world.Map(At, 8 * Page));
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        Assert.True(world.Device(group, device, out OpenFile? file) >= 0);
        Assert.True(VfioWorld.ModelOf(device).Host!.WriteMemory(At + (3 * Page), [1], out _));
        device.Emulated!.LetGo();
        Assert.Equal(0b1000UL, Told(world));
        Assert.Equal(0UL, Told(world));
        file!.Close();
    }

    [Fact]
    public void BesideADeviceWithAnIommuEverythingCountsAsWritten()
    {
        using var world = new ContainerWorld();
        VfioDevice device = Add(world);
        VfioGroupFile group = world.Set(device);
        VfioGroupFile other = world.Joined(world.Vfio.Add("0000:02:00.0", 9));
        Assert.Equal(0, world.Map(At, 8 * Page));
        Assert.True(world.Device(group, device, out OpenFile? file) >= 0);
        Assert.True(VfioWorld.ModelOf(device).Host!.WriteMemory(At, [1], out _));
        Assert.Equal(0, world.Dirty(VfioConstants.DirtyStart));
        Assert.Equal(0xffUL, Told(world));
        Assert.Equal(0, world.Leave(other));
        Assert.Equal(0xffUL, Told(world)); // once more, as the other may have written until it left
        Assert.Equal(0b1UL, Told(world));
        file!.Close();
    }

    [Fact]
    public void AddressesAreNotSuspendedBesideIt()
    {
        using var world = new ContainerWorld();
        world.Set(Add(world));
        Assert.Equal(0, world.Map(At));
        Assert.Equal(0, world.Check(VfioExtension.UpdateVaddr));
        Assert.Equal((-(long)Errno.Busy, Page), world.Unmap(At, Page, VfioConstants.UnmapVaddr));
    }

    private static VfioDevice Add(ContainerWorld world) => world.Vfio.Add(new RegisterModel(VfioWorld.Layout()), VfioWorld.At() with { IsEmulated = true });

    private static ulong Told(ContainerWorld world)
    {
        world.Words(1).Clear();
        Assert.Equal(0, world.GetDirty(At, 8 * Page, world.Bitmap(8)));
        return world.Words(1)[0];
    }
}
