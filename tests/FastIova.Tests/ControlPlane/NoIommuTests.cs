using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Devices without an IOMMU, by the session that was recorded from Linux 7.3.</summary>
public sealed class NoIommuTests
{
    private const ulong At = 0x10_0000;

    [Fact]
    public void PhysicalAddressesAreToldAsLinuxTellsThem()
    {
        using var world = new World(UapiLevel.Latest);
        world.Client.Capabilities.Add(Capability.SysRawIo);
        DeviceObject device = world.Bind(new NoIommuDevice(world.Engine));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.GetHwInfo, new HwInfoCommand { DevId = device.Id }));
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, At, 0x2_7000));
        Assert.Equal(Errno.NotSupported, Ask(world, ioas, At, 0x1000, out _, out _));
        uint hwpt = ioas;
        Assert.Equal(Errno.Success, device.Attach(ref hwpt));

        Assert.Equal((0UL, 0x1000UL), Told(world, ioas, At, 0x1000));
        Assert.Equal((0UL, 1UL), Told(world, ioas, At, 1));
        Assert.Equal((0x123UL, 0x1000UL), Told(world, ioas, At + 0x123, 0x1000));
        Assert.Equal((0x3000UL, 0x2_4000UL), Told(world, ioas, At + 0x3000, 1 << 20));
        Assert.Equal((0UL, 0x2_7000UL), Told(world, ioas, At, ulong.MaxValue));
        Assert.Equal((0x2_6fffUL, 1UL), Told(world, ioas, At + 0x2_6fff, 1));
        Assert.Equal((0x2_6fffUL, 1UL), Told(world, ioas, At + 0x2_6fff, 2));

        // One map ends where the other begins, although the memory goes on.
        Assert.Equal(Errno.Success, world.Map(ioas, At + 0x2_7000, 0x1000, at: world.Buffer + 0x2_7000));
        Assert.Equal((0UL, 0x2_7000UL), Told(world, ioas, At, 0x2_8000));

        Assert.Equal(Errno.NotFound, Ask(world, ioas, At + 0x2_8000, 1, out _, out _));
        Assert.Equal(Errno.NotFound, Ask(world, ioas, 0, 0x1000, out _, out _));
        Assert.Equal(Errno.Invalid, Ask(world, ioas, At, 0, out _, out _));
        Assert.Equal(Errno.Overflow, Ask(world, ioas, ulong.MaxValue, 1, out _, out _));
        Assert.Equal(Errno.NotFound, Ask(world, ioas, ulong.MaxValue - 1, 1, out _, out _));
        Assert.Equal(Errno.NotFound, Ask(world, 99, At, 1, out _, out _));
        Assert.Equal(Errno.NotFound, Ask(world, device.Id, At, 1, out _, out _));
        Assert.Equal(Errno.NotFound, Ask(world, hwpt, At, 1, out _, out _));
        world.Client.Capabilities.Clear();
        Assert.Equal(Errno.NotPermitted, Ask(world, ioas, At, 0x1000, out _, out _));
        device.Detach();
        device.Unbind();
    }

    [Theory]
    [InlineData(HwptAllocFlags.None, Errno.Success)]
    [InlineData(HwptAllocFlags.NestParent, Errno.NotSupported)]
    [InlineData(HwptAllocFlags.DirtyTracking, Errno.NotSupported)]
    [InlineData(HwptAllocFlags.Pasid, Errno.NotSupported)]
    internal void ItsHwptsTakeNoFlags(HwptAllocFlags flags, Errno expected)
    {
        using var world = new World(UapiLevel.Latest);
        DeviceObject device = world.Bind(new NoIommuDevice(world.Engine));
        var command = new HwptAllocCommand { DevId = device.Id, PtId = world.Ioas(), Flags = flags };
        Assert.Equal(expected, world.Do(IommufdRequest.HwptAlloc, ref command));
        device.Unbind();
    }

    [Fact]
    public void AnIoasOfOtherDevicesTellsNothing()
    {
        using var world = new World(UapiLevel.Latest);
        world.Client.Capabilities.Add(Capability.SysRawIo);
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, At));
        uint hwpt = ioas;
        Assert.Equal(Errno.Success, device.Attach(ref hwpt));
        Assert.Equal(Errno.NotSupported, Ask(world, ioas, At, 1, out _, out _));
        device.Detach();
        device.Unbind();
    }

    [Fact]
    public void TheIoctlIsUnknownToLinux612()
    {
        using var world = new World(UapiLevel.Linux612);
        Assert.Equal(Errno.NotATypewriter, Ask(world, world.Ioas(), At, 1, out _, out _));
    }

    private static (ulong Offset, ulong Length) Told(World world, uint ioas, ulong iova, ulong most)
    {
        Assert.Equal(Errno.Success, Ask(world, ioas, iova, most, out ulong address, out ulong length));
        return (address - world.Buffer, length);
    }

    private static Errno Ask(World world, uint ioas, ulong iova, ulong most, out ulong address, out ulong length)
    {
        var command = new NoIommuGetPaCommand { IoasId = ioas, Iova = iova, Length = most, OutPhys = 0x1111 };
        Errno errno = world.Do(IommufdRequest.NoIommuGetPa, ref command);
        address = command.OutPhys;
        length = command.Length;
        return errno;
    }
}
