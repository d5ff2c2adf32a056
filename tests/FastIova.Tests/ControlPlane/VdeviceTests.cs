using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class VdeviceTests
{
    [Fact]
    public void ANumberNamesOneDeviceAndADeviceHasOneNumber()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        uint other = world.Viommu();
        (_, uint second) = world.AddDevice();
        Assert.Equal(Errno.NotFound, world.Give(99, world.Device, 1, out _));
        Assert.Equal(Errno.NotFound, world.Give(world.Parent, world.Device, 1, out _));
        Assert.Equal(Errno.NotFound, world.Give(viommu, 99, 1, out _));
        uint vdevice = world.Vdevice(viommu, 1);
        Assert.Equal(Errno.AlreadyExists, world.Give(viommu, world.Device, 2, out _));
        Assert.Equal(Errno.AlreadyExists, world.Give(other, world.Device, 2, out _));
        Assert.Equal(Errno.AlreadyExists, world.Give(viommu, second, 1, out _));
        uint mine = world.Vdevice(viommu, ulong.MaxValue, second);
        Assert.Equal(Errno.Success, world.World.Destroy(vdevice));
        Assert.Equal(Errno.Success, world.World.Destroy(mine));
        Assert.Equal(vdevice, world.Vdevice(viommu, ulong.MaxValue));
        Assert.Equal(mine, world.Vdevice(other, ulong.MaxValue, second));
    }

    [Fact]
    public void ADeviceOfAnotherIommuDoesNotFit()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        DeviceObject stranger = world.World.Bind(new FakeDevice(world.World.Engine));
        Assert.Equal(Errno.Invalid, world.Give(viommu, stranger.Id, 1, out _));
        Assert.Equal(Errno.Invalid, world.Nest(viommu, out _, device: stranger.Id));
        Assert.True(stranger.HasOnlyTheTableAsHolder);
        stranger.Unbind();
    }

    [Fact]
    public void AnUnboundDeviceLeavesATombstone()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        uint vdevice = world.Vdevice(viommu, 0x55);
        Assert.Equal(Errno.Success, world.Replace(world.Nested(viommu)));
        Assert.Equal(Errno.Success, world.World.Destroy(world.Mock));
        Assert.Equal(Errno.NotFound, world.World.Destroy(world.Device));
        Assert.Equal(Errno.NotFound, world.World.Destroy(vdevice));

        // The number of the guest is free again, the id is not.
        (uint mock, uint device) = world.AddDevice();
        Assert.Equal((world.Mock, world.Device), (mock, device));
        uint next = world.Vdevice(viommu, 0x55, device);
        Assert.NotEqual(vdevice, next);
        Assert.Equal(Errno.NotFound, world.World.Destroy(vdevice));
        Assert.Equal(Errno.Success, world.World.Destroy(next));
    }

    [Fact]
    public void ATombstoneCountsAsAnObject()
    {
        using var world = new World(UapiLevel.Latest);
        var stone = new TestObject(world.Context);
        Assert.Equal(Errno.Success, world.Context.Objects.Reserve(stone));
        stone.AddUser();
        world.Context.Objects.Publish(stone);
        Assert.True(world.Context.Objects.TryAddUser(stone));
        Assert.Equal(Errno.Busy, world.Context.Objects.RemoveOwned(stone, leavesTombstone: true));
        Assert.Equal(Errno.Success, world.Context.Objects.RemoveOwned(stone, leavesTombstone: true));
        Assert.False(world.Context.Objects.TryAddUser(stone));
        Assert.False(world.Context.Objects.IsEmpty);
        Assert.Equal(Errno.Busy, world.Context.Objects.WhileEmpty(() => Errno.Success));
        Assert.Equal(2u, world.Ioas());
    }

    [Fact]
    public void ADeviceThatIsUnboundWaitsForTheCallsOfItsGuest()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        uint vdevice = world.Vdevice(viommu, 1);
        DeviceObject device = world.World.Held<DeviceObject>(world.Device);

        // As a DESTROY that has taken the object out of the table and not ended it yet.
        VdeviceObject held = world.World.Held<VdeviceObject>(vdevice);
        Assert.True(held.TryHold());
        var unbinds = new TestKit.Crew.Member(() => Assert.Equal(Errno.Success, world.World.Destroy(world.Mock)));
        Assert.True(SpinWait.SpinUntil(() => device.IsEnding, TimeSpan.FromSeconds(20)), "The device ends.");
        Assert.False(unbinds.IsDone);
        held.LetGo();
        unbinds.Join();
        Assert.Null(device.Virtual);
    }

    private sealed class TestObject(IommufdContext context) : UapiObject(context, ObjectKind.Test)
    {
        internal override void Destroy()
        {
        }
    }
}
