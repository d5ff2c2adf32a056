using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Binding, attaching, moving and detaching, by hardware that does what the test says.</summary>
public sealed class DeviceTests
{
    [Fact]
    public void AnIncoherentDeviceOrOneThatCanRaiseForeignInterruptsIsNotBound()
    {
        using var world = new World();
        Assert.Equal(Errno.Invalid, DeviceObject.Bind(world.Context, new FakeDevice(world.Engine) { Coherent = false }, false, out _));
        Assert.Equal(Errno.NotPermitted, DeviceObject.Bind(world.Context, new FakeDevice(world.Engine) { Isolated = false }, false, out _));
        Assert.True(world.Context.Objects.IsEmpty);
    }

    [Fact]
    public void AGroupHasOneOwner()
    {
        using var world = new World();
        using var other = new World();
        var group = new HardwareGroup();
        DeviceObject first = world.Bind(new FakeDevice(world.Engine, group));
        Assert.Equal(Errno.NotPermitted, DeviceObject.Bind(other.Context, new FakeDevice(other.Engine, group), false, out _));
        Assert.True(world.Context.Groups.Contains(group));
        Assert.False(other.Context.Groups.Contains(group));
        DeviceObject second = world.Bind(new FakeDevice(world.Engine, group));
        first.Unbind();
        second.Unbind();
        Assert.False(world.Context.Groups.Contains(group));
        Assert.Equal(Errno.Success, DeviceObject.Bind(other.Context, new FakeDevice(other.Engine, group), false, out DeviceObject? third));
        third!.Unbind();
    }

    [Fact]
    public void ABoundDeviceIsNotDestroyedByItsUser()
    {
        using var world = new World();
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        Assert.Equal(Errno.Busy, world.Destroy(device.Id));
        device.Unbind();
        Assert.Equal(Errno.NotFound, world.Destroy(device.Id));
    }

    [Fact]
    public void AnIoasGivesDevicesOneAutomaticHwptThatEndsWithTheLast()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, 0x10_0000));
        var hardware = new FakeDevice(world.Engine);
        DeviceObject one = world.Bind(hardware);
        DeviceObject two = world.Bind(new FakeDevice(world.Engine));
        uint first = ioas;
        uint second = ioas;
        Assert.Equal(Errno.Success, one.Attach(ref first));
        Assert.Equal(Errno.Success, two.Attach(ref second));
        Assert.Equal(first, second);
        PagingHwpt hwpt = world.Held<PagingHwpt>(first);
        Assert.True(hwpt.IsAutomatic);
        Assert.Same(hwpt.Domain, hardware.AttachedTo);
        Assert.Equal(4096UL, hwpt.Domain.Table.MappedBytes);
        Assert.Equal(Errno.Busy, world.Destroy(first));
        Assert.Equal(Errno.Busy, world.Destroy(ioas));
        one.Detach();
        Assert.Null(hardware.AttachedTo);
        Assert.Same(hwpt, world.Held<PagingHwpt>(first));
        two.Detach();
        Assert.Equal(Errno.NotFound, world.Destroy(first));
        one.Unbind();
        two.Unbind();
        Assert.Equal(Errno.Success, world.Destroy(ioas));
    }

    [Fact]
    public void ADeviceThatFitsNoAutomaticHwptGetsAnother()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        DeviceObject one = world.Bind(new FakeDevice(world.Engine));
        uint first = ioas;
        Assert.Equal(Errno.Success, one.Attach(ref first));
        var picky = new FakeDevice(world.Engine) { DoesNotFit = world.Held<PagingHwpt>(first).Domain };
        DeviceObject two = world.Bind(picky);
        uint second = ioas;
        Assert.Equal(Errno.Success, two.Attach(ref second));
        Assert.NotEqual(first, second);

        // Of another IOMMU altogether.
        DeviceObject three = world.Bind(new FakeDevice(world.Engine, iommu: new object()));
        uint third = ioas;
        Assert.Equal(Errno.Success, three.Attach(ref third));
        Assert.Equal(3, new HashSet<uint> { first, second, third }.Count);
        foreach (DeviceObject device in new[] { one, two, three })
        {
            device.Detach();
            device.Unbind();
        }
    }

    [Fact]
    public void AnErrorThatIsNotAboutFittingIsTheUsersToKnow()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        DeviceObject one = world.Bind(new FakeDevice(world.Engine));
        uint first = ioas;
        Assert.Equal(Errno.Success, one.Attach(ref first));
        DeviceObject two = world.Bind(new FakeDevice(world.Engine) { AttachAnswer = Errno.NoDevice });
        uint second = ioas;
        Assert.Equal(Errno.NoDevice, two.Attach(ref second));
        Assert.Equal(ioas, second);
        one.Detach();
        one.Unbind();
        two.Unbind();
    }

    [Fact]
    public void WhatADeviceReservesIsReservedWhileItIsAttached()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        uint other = world.Ioas();
        var hardware = new FakeDevice(world.Engine);
        hardware.Reserved.Add(new IovaSpan(0x20_0000, 0x20_ffff));
        DeviceObject device = world.Bind(hardware);
        uint id = ioas;
        Assert.Equal(Errno.Success, device.Attach(ref id));
        Assert.Equal(Errno.Invalid, world.Map(ioas, 0x20_0000));
        Assert.Equal(Errno.Success, world.Map(other, 0x20_0000));
        uint elsewhere = other;
        Assert.Equal(Errno.AddressInUse, device.Replace(ref elsewhere));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = other, Iova = 0x20_0000, Length = 4096 }));
        Assert.Equal(Errno.Success, device.Replace(ref elsewhere));
        Assert.Equal(Errno.Success, world.Map(ioas, 0x20_0000));
        Assert.Equal(Errno.Invalid, world.Map(other, 0x20_0000));
        device.Detach();
        Assert.Equal(Errno.Success, world.Map(other, 0x20_0000));
        id = ioas;
        Assert.Equal(Errno.AddressInUse, device.Attach(ref id));
        device.Unbind();
    }

    [Fact]
    public void ADeviceOutsideWhoseApertureSomethingIsMappedIsNotAttached()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, 0x1000));
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint id = ioas;
        Assert.Equal(Errno.AddressInUse, device.Attach(ref id));
        device.Unbind();
        Assert.Equal(Errno.Success, world.Destroy(ioas));
    }

    [Fact]
    public void MemoryThatIsNotThereIsNoticedWhenADeviceComes()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, 0x10_0000, at: world.Pages.End));
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint id = ioas;
        Assert.Equal(Errno.BadAddress, device.Attach(ref id));
        device.Unbind();
    }

    [Fact]
    public void DevicesOfAGroupAreAttachedAndMovedTogether()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        uint other = world.Ioas();
        var group = new HardwareGroup();
        FakeDevice[] hardware = [new(world.Engine, group), new(world.Engine, group), new(world.Engine, group)];
        DeviceObject one = world.Bind(hardware[0]);
        DeviceObject two = world.Bind(hardware[1]);
        uint id = ioas;
        Assert.Equal(Errno.Success, one.Attach(ref id));
        Assert.All(hardware, device => Assert.NotNull(device.AttachedTo));
        uint elsewhere = other;
        Assert.Equal(Errno.Invalid, two.Replace(ref elsewhere)); // it is not attached itself
        Assert.Equal(Errno.Invalid, two.Attach(ref elsewhere)); // the group is elsewhere
        uint same = ioas;
        Assert.Equal(Errno.Success, two.Attach(ref same));
        Assert.Equal(id, same);
        Assert.Equal(Errno.Success, two.Replace(ref elsewhere));
        HardwareDomain moved = world.Held<PagingHwpt>(elsewhere).Domain;
        Assert.All(hardware, device => Assert.Same(moved, device.AttachedTo));
        Assert.Equal(Errno.NotFound, world.Destroy(id)); // the automatic hwpt ended
        Assert.Equal(Errno.Success, world.Destroy(ioas));
        one.Detach();
        Assert.All(hardware, device => Assert.Same(moved, device.AttachedTo));
        two.Detach();
        Assert.All(hardware, device => Assert.Null(device.AttachedTo));
        one.Unbind();
        two.Unbind();
    }

    [Fact]
    public void AGroupOfWhichOneDeviceRefusesStaysWhereItIs()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        uint other = world.Ioas();
        var group = new HardwareGroup();
        FakeDevice[] hardware = [new(world.Engine, group), new(world.Engine, group)];
        DeviceObject one = world.Bind(hardware[0]);
        uint id = ioas;
        Assert.Equal(Errno.Success, one.Attach(ref id));
        HardwareDomain domain = world.Held<PagingHwpt>(id).Domain;
        hardware[1].AttachAnswer = Errno.NoDevice;
        uint elsewhere = other;
        Assert.Equal(Errno.NoDevice, one.Replace(ref elsewhere));
        Assert.All(hardware, device => Assert.Same(domain, device.AttachedTo));
        Assert.Equal(Errno.Success, world.Destroy(other)); // nothing was left on it
        one.Detach();
        one.Unbind();
    }

    [Fact]
    public void AReplaceOfWhatIsNotAttachedIsInvalidAndByTheSameHwptNothing()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint id = ioas;
        Assert.Equal(Errno.Invalid, device.Replace(ref id));
        uint missing = 99;
        Assert.Equal(Errno.NotFound, device.Attach(ref missing));
        uint itself = device.Id;
        Assert.Equal(Errno.Invalid, device.Attach(ref itself));
        uint hwpt = world.Hwpt(device, ioas);
        id = hwpt;
        Assert.Equal(Errno.Success, device.Attach(ref id));
        Assert.Equal(Errno.Success, device.Replace(ref id));
        Assert.Equal(hwpt, id);
        device.Detach();
        Assert.Equal(Errno.Success, world.Destroy(hwpt)); // made by hand, so it stayed
        device.Unbind();
    }

    [Fact]
    public void ADeviceKeepsTheContextWhoseFileIsClosed()
    {
        using var engine = new Engine();
        using UserPages pages = new(1);
        using DmaPort port = engine.Iommu.OpenPort();
        IommufdDevice device;
        using (IommufdContext context = engine.OpenIommufd())
        {
            IoasId ioas = context.AllocateIoas();
            context.MapAt(ioas, 0x10_0000, (nuint)pages.Address, 4096, Permission.ReadWrite);
            device = context.Bind(port);
            device.Attach(ioas);
        }

        Assert.Equal(1, engine.OpenContexts);
        Assert.True(port.TryTranslate(0x10_0010, Permission.Read, out nuint host));
        Assert.Equal(pages.Address + 0x10, host);
        device.Dispose();
        Assert.Equal(0, engine.OpenContexts);
        Assert.False(port.TryTranslate(0x10_0010, Permission.Read, out _));
    }
}
