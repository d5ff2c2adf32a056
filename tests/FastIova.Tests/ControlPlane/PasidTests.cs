using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Attaching PASIDs: beside the accesses without one, each on its own.</summary>
public sealed class PasidTests
{
    private const uint Pasid = 100;
    private const uint Magic = TestConstants.MagicPasid;

    [Fact]
    public void AnHwptForPasidsAndOneThatIsNotDoNotMeetOnOneDevice()
    {
        using var world = new World(UapiLevel.Latest);
        uint ioas = world.Ioas();
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint plain = world.Hwpt(device, ioas);
        uint fits = world.Hwpt(device, ioas, HwptAllocFlags.Pasid);
        Assert.Equal(Errno.Success, Attach(device, plain, DeviceObject.NoPasid));
        Assert.Equal(Errno.Invalid, Attach(device, fits, Pasid));
        Assert.Equal(Errno.Success, Replace(device, fits, DeviceObject.NoPasid));
        Assert.Equal(Errno.Invalid, Attach(device, plain, Pasid));
        Assert.Equal(Errno.Invalid, Attach(device, ioas, Pasid));
        Assert.Equal(Errno.Success, Attach(device, fits, Pasid));
        Assert.Equal(Errno.Busy, Attach(device, fits, Pasid));
        Assert.Equal(Errno.Invalid, Replace(device, plain, DeviceObject.NoPasid));
        Assert.Equal(Errno.Invalid, Replace(device, fits, Pasid + 1));
        Assert.Equal(Errno.Busy, world.Destroy(fits));
        device.Detach(Pasid);
        device.Detach(Pasid);
        Assert.Equal(Errno.Success, Replace(device, plain, DeviceObject.NoPasid));
        Assert.Equal(Errno.Success, world.Destroy(fits));
        device.DetachAll();
        device.Unbind();
    }

    [Fact]
    public void APasidBeyondTheWidthOfTheDeviceIsRefused()
    {
        using var world = new World(UapiLevel.Latest);
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint hwpt = world.Hwpt(device, world.Ioas(), HwptAllocFlags.Pasid);
        Assert.Equal(Errno.Invalid, Attach(device, hwpt, 1u << 20));
        Assert.Equal(Errno.Success, Attach(device, hwpt, (1u << 20) - 1));
        device.DetachAll();
        device.Unbind();
    }

    [Fact]
    public void TheFlagIsUnknownToLinux612()
    {
        using var world = new World(UapiLevel.Linux612);
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        Assert.Equal(
            Errno.NotSupported,
            world.Do(IommufdRequest.HwptAlloc, new HwptAllocCommand { DevId = device.Id, PtId = world.Ioas(), Flags = HwptAllocFlags.Pasid }));
        device.Unbind();
    }

    [Fact]
    public void AMoveThatTheHardwareRefusesLeavesThePasidWhereItWas()
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        uint ioas = world.Ioas();
        var made = new TestCommand { Op = TestOp.MockDomainFlags, Id = ioas };
        made.MockDomain.DevFlags = TestConstants.DevicePasid;
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.TestCmd, ref made));
        var device = world.Held<DeviceObject>(made.MockDomain.OutIdevId);
        uint one = world.Hwpt(device, ioas, HwptAllocFlags.Pasid);
        uint two = world.Hwpt(device, ioas, HwptAllocFlags.Pasid);
        uint stdev = made.MockDomain.OutStdevId;
        Assert.Equal(Errno.Success, Test(world, TestOp.MockDomainReplace, stdev, one, 0));
        Assert.Equal(Errno.Success, Test(world, TestOp.PasidAttach, stdev, Magic, one));
        Assert.Equal(Errno.OutOfMemory, Test(world, TestOp.PasidReplace, stdev, Magic, two));
        Assert.Equal(Errno.Success, Test(world, TestOp.PasidCheckHwpt, stdev, Magic, one));
        Assert.Equal(Errno.Invalid, Test(world, TestOp.PasidCheckHwpt, stdev, Magic, two));
        Assert.Equal(Errno.Invalid, Test(world, TestOp.PasidCheckHwpt, stdev, Magic, 0));
        Assert.Equal(Errno.Success, Test(world, TestOp.PasidReplace, stdev, Magic, two));
        Assert.Equal(Errno.Success, Test(world, TestOp.PasidDetach, stdev, Magic, 0));
        Assert.Equal(Errno.Success, Test(world, TestOp.PasidCheckHwpt, stdev, Magic, 0));

        // A mock device ends with all that it is attached to.
        Assert.Equal(Errno.Success, Test(world, TestOp.PasidAttach, stdev, Pasid, two));
        Assert.Equal(Errno.Success, world.Destroy(stdev));
        Assert.Equal(Errno.Success, world.Destroy(two));
    }

    [Fact]
    public void AFaultWithAPasidGoesToTheQueueOfThatPasid()
    {
        using var world = new World(UapiLevel.Latest);
        FaultAllocCommand queue = default;
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.FaultQueueAlloc, ref queue));
        uint ioas = world.Ioas();
        var hardware = new FakeDevice(world.Engine);
        DeviceObject device = world.Bind(hardware);
        uint hwpt = world.Hwpt(device, ioas, HwptAllocFlags.Pasid | HwptAllocFlags.FaultIdValid, queue.OutFaultId);
        Assert.Equal(Errno.Success, Attach(device, hwpt, Pasid));
        Assert.Equal(1, hardware.FaultUsers);
        const PageFaultFlags flags = PageFaultFlags.PasidValid | PageFaultFlags.LastPage;
        Assert.Equal(Errno.Success, hardware.Report(new PageFault(flags, Pasid, 1, PageFaultPermission.Read, 0)));
        Assert.Equal(Errno.Invalid, hardware.Report(new PageFault(flags, Pasid + 1, 2, PageFaultPermission.Read, 0)));
        Assert.Equal(40, world.Client.File(queue.OutFaultFd).Read(world.Client, world.Data, 40));
        device.Detach(Pasid);
        Assert.Equal(0, hardware.FaultUsers);
        Assert.Contains(hardware.Answers, answer => answer.Fault.GroupId == 1 && answer.Code == PageResponseCode.Invalid);
        device.Unbind();
        world.Client.File(queue.OutFaultFd).Close();
    }

    [Fact]
    public void ThePortOfADeviceFollowsItsPasids()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        using DmaPort port = engine.Iommu.OpenPort();
        using var pages = new UserPages(2);
        using (IommufdDevice device = context.Bind(port, new DeviceOptions { PasidLog2 = 8 }))
        {
            IoasId ioas = context.AllocateIoas();
            context.MapAt(ioas, 0x10_0000, (nuint)pages.Address, 4096, Permission.ReadWrite);
            HwptId hwpt = context.AllocateHwpt(ioas, device, forPasids: true);
            device.AttachPasid(hwpt, 255);
            Assert.True(port.TryTranslate(0x10_0010, Permission.Read, 255, out nuint host));
            Assert.Equal((nuint)pages.Address + 0x10, host);
            Assert.False(port.TryTranslate(0x10_0010, Permission.Read, 254, out _));
            Assert.False(port.TryTranslate(0x10_0010, Permission.Read, out _));
            Assert.Throws<ArgumentOutOfRangeException>(() => device.AttachPasid(hwpt, 256));
            Assert.Throws<ArgumentOutOfRangeException>(() => device.AttachPasid(hwpt, 0));
            Assert.True(device.DetachPasid(255));
            Assert.False(device.DetachPasid(255));
            Assert.False(port.TryTranslate(0x10_0010, Permission.Read, 255, out _));
            device.AttachPasid(hwpt, 1);
        }

        Assert.False(port.TryTranslate(0x10_0010, Permission.Read, 1, out _));
    }

    private static Errno Attach(DeviceObject device, uint id, uint pasid) => device.Attach(ref id, pasid);

    private static Errno Replace(DeviceObject device, uint id, uint pasid) => device.Replace(ref id, pasid);

    // The first two fields of every part that is used here are a PASID and an id, or the id alone.
    private static Errno Test(World world, TestOp op, uint id, uint first, uint second)
    {
        var command = new TestCommand { Op = op, Id = id };
        command.PasidAttach.Pasid = first;
        command.PasidAttach.PtId = second;
        return world.Do(IommufdRequest.TestCmd, command);
    }
}
