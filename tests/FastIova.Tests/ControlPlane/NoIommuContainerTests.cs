using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Devices without an IOMMU: their groups, their containers, their own nodes, and what they reach.</summary>
public sealed class NoIommuContainerTests
{
    private const ulong Page = ContainerWorld.Page;
    private const ulong At = 0x10_0000;

    [Fact]
    public void TheirNodesAreForThoseWhoMayDoRawInputAndOutput()
    {
        using var world = new ContainerWorld();
        VfioDevice device = world.Vfio.Add(isNoIommu: true);
        Assert.Equal(Errno.NotPermitted, VfioGroupFile.Open(world.Client, device.Group, out _));
        Assert.Equal(Errno.NotPermitted, VfioTopology.Open(world.Client, device, out _));
        Assert.Equal("/dev/vfio/noiommu-0", device.Group.Node);
        Assert.Equal("/dev/vfio/devices/noiommu-vfio0", world.Vfio.Topology.NodeOf(0));
        world.Client.Capabilities.Add(Capability.SysRawIo);
        VfioGroupFile group = world.Open(device);
        world.Client.Capabilities.Remove(Capability.SysRawIo);
        Assert.Equal(-(long)Errno.NotPermitted, world.Join(group));
        world.Client.Capabilities.Add(Capability.SysRawIo);
        Assert.Equal(0, world.Join(group));
        world.Client.Capabilities.Remove(Capability.SysRawIo);
        Assert.Equal(-(long)Errno.NotPermitted, world.SetIommu(VfioExtension.NoIommu));
        world.Client.Capabilities.Add(Capability.SysRawIo);
        Assert.Equal(-(long)Errno.Invalid, world.Device(group, device, out _));
        Assert.Equal(0, world.SetIommu(VfioExtension.NoIommu));
        world.Client.Capabilities.Remove(Capability.SysRawIo);
        Assert.Equal(-(long)Errno.NotPermitted, world.Device(group, device, out _));
        world.Client.Capabilities.Add(Capability.SysRawIo);
        Assert.True(world.Device(group, device, out OpenFile? file) >= 0);
        Assert.Equal(-(long)Errno.Busy, world.Leave(group));
        file!.Close();
        Assert.Equal(0, world.Leave(group));
    }

    [Fact]
    public void TheyHadNoNodesOfTheirOwnBefore()
    {
        using var world = new ContainerWorld(UapiLevel.Linux612);
        world.Vfio.Add();
        world.Vfio.Add("0000:02:00.0", isNoIommu: true);
        Assert.Equal("/dev/vfio/devices/vfio0", world.Vfio.Topology.NodeOf(0));
        Assert.Null(world.Vfio.Topology.NodeOf(1));
    }

    [Fact]
    public void AContainerWithoutAnIommuMapsNothing()
    {
        using var world = new ContainerWorld();
        world.Client.Capabilities.Add(Capability.SysRawIo);
        Assert.Equal(0, world.Check(VfioExtension.NoIommu));
        VfioDevice device = world.Vfio.Add(isNoIommu: true);
        Assert.Equal((1, 1), (world.Check(VfioExtension.NoIommu), world.Check(VfioExtension.Type1)));
        world.Joined(device);
        Assert.Equal((1, 0, 0), (world.Check(VfioExtension.NoIommu), world.Check(VfioExtension.Type1), world.Check(VfioExtension.UnmapAll)));
        Assert.Equal(-(long)Errno.NoDevice, world.SetIommu(VfioExtension.Type1));
        Assert.Equal(0, world.SetIommu(VfioExtension.NoIommu));
        Assert.Equal((1, 0), (world.Check(VfioExtension.NoIommu), world.Check(VfioExtension.Type1V2)));
        Assert.Equal(-(long)Errno.NotATypewriter, world.Map(At));
        Assert.Equal(-(long)Errno.NotATypewriter, world.Unmap(At, Page).Result);
        Assert.Equal(-(long)Errno.NotATypewriter, world.Info(64));
        Assert.Equal(-(long)Errno.NotATypewriter, world.Dirty(VfioConstants.DirtyStart));
    }

    [Fact]
    public void GroupsWithAndWithoutAnIommuDoNotMix()
    {
        using var world = new ContainerWorld();
        world.Client.Capabilities.Add(Capability.SysRawIo);
        VfioDevice real = world.Vfio.Add();
        VfioDevice bare = world.Vfio.Add("0000:02:00.0", isNoIommu: true);
        VfioDevice other = world.Vfio.Add("0000:03:00.0", isNoIommu: true);
        VfioGroupFile group = world.Joined(real);
        VfioGroupFile without = world.Open(bare);
        Assert.Equal(-(long)Errno.NotPermitted, world.Join(without));
        Assert.Equal(-(long)Errno.NoDevice, world.SetIommu(VfioExtension.NoIommu));
        Assert.Equal(0, world.Leave(group));
        Assert.Equal(0, world.Join(without));
        Assert.Equal(-(long)Errno.NotPermitted, world.Join(group));
        Assert.Equal(0, world.SetIommu(VfioExtension.NoIommu));
        Assert.Equal(0, world.Join(world.Open(other)));
        Assert.Throws<ArgumentException>(() => world.Vfio.Add("0000:04:00.0", group: bare.Group.Number));
        Assert.Throws<ArgumentException>(() => world.Vfio.Add("0000:04:00.0", group: bare.Group.Number, isNoIommu: true));
    }

    [Fact]
    public void AnIommufdBecomesAContainerWithoutAnIommu()
    {
        using var world = new ContainerWorld(isStrict: false);
        world.Client.Capabilities.Add(Capability.SysRawIo);
        VfioDevice device = world.Vfio.Add(isNoIommu: true);
        VfioGroupFile group = world.Joined(device);
        Assert.Equal((0, 1), (world.Check(VfioExtension.Type1), world.Check(VfioExtension.NoIommu)));
        Assert.Equal(-(long)Errno.Invalid, world.SetIommu(VfioExtension.Type1));
        Assert.Equal(0, world.SetIommu(VfioExtension.NoIommu));
        Assert.Equal(-(long)Errno.NoDevice, world.Map(At));
        world.Client.Capabilities.Remove(Capability.SysRawIo);
        Assert.Equal(-(long)Errno.NotPermitted, world.Device(group, device, out _));
        world.Client.Capabilities.Add(Capability.SysRawIo);
        Assert.True(world.Device(group, device, out OpenFile? file) >= 0);
        Assert.Null(device.Bound);
        file!.Close();
        Assert.Equal(0, world.Leave(group));

        // One with an ioas translates, so that it is none for such a device; nor does one without get an ioas by a group.
        Assert.Equal(-(long)Errno.Invalid, world.Join(world.Open(world.Vfio.Add("0000:02:00.0"))));
        Assert.Equal(0, world.Join(world.Open(world.Vfio.Add("0000:03:00.0")), world.Vfio.Iommufd));
        Assert.Equal(-(long)Errno.Invalid, world.Join(group, world.Vfio.Iommufd));
    }

    [Fact]
    public void AnIoasThatIsSetLaterKeepsTheDeviceFromBeingGivenOut()
    {
        using var world = new ContainerWorld();
        world.Client.Capabilities.Add(Capability.SysRawIo);
        VfioDevice device = world.Vfio.Add(isNoIommu: true);
        VfioGroupFile group = world.Open(device);
        Assert.Equal(0, world.Join(group, world.Vfio.Iommufd));
        uint ioas = world.World.Ioas();
        Assert.Equal(Errno.Success, world.World.Do(IommufdRequest.VfioIoas, new VfioIoasCommand { Op = VfioIoasOp.Set, IoasId = ioas }));
        Assert.Equal(-(long)Errno.NotPermitted, world.Device(group, device, out _));
    }

    [Fact]
    public void ADeviceReachesWhatIsPinnedForItAndNothingElse()
    {
        using var world = new ContainerWorld();
        world.Client.Capabilities.Add(Capability.SysRawIo);
        VfioDevice device = world.Vfio.Add(isNoIommu: true);
        DmaPort port = VfioWorld.ModelOf(device).Host!.Port;
        OpenFile file = VfioWorld.Open(device);
        Assert.Equal(0, world.Vfio.Bind(file));
        uint ioas = world.World.Ioas();
        Assert.Equal(Errno.Success, world.World.Map(ioas, At, 4 * Page));
        Assert.Equal(Errno.NotSupported, Address(world, ioas, At, out _));
        Assert.False(Reaches(port, world.World.Buffer));
        Assert.Equal(0, world.Vfio.Attach(file, ioas, out _));
        world.Number();
        Assert.Equal(Errno.Success, Address(world, ioas, At + Page + 8, out ulong address));
        Assert.Equal(world.World.Buffer + Page + 8, address);
        Assert.True(port.Write(address, [1, 2, 3, 4], out _));
        Assert.Equal(0x0403_0201u, world.World.Pages.At<uint>(World.BufferOffset + 4096 + 8));
        Assert.False(Reaches(port, At)); // nothing translates
        Assert.False(Reaches(port, world.World.Buffer + (4 * Page)));
        Assert.False(Reaches(port, world.World.Data));
        Assert.Equal(4, world.World.Engine.Physical.Pages);

        // A page that is mapped twice is there until it is mapped no more; it can be written once one of the mappings could be.
        Assert.Equal(Errno.Success, world.World.Map(ioas, 0x20_0000, 2 * Page, IoasMapFlags.Readable, at: world.World.Buffer + (3 * Page)));
        Assert.Equal(5, world.World.Engine.Physical.Pages);
        Assert.False(port.Write(world.World.Buffer + (4 * Page), [1], out Fault fault));
        Assert.Equal(FaultReason.PermissionDenied, fault.Reason);
        Assert.Equal(Errno.Success, world.World.Map(ioas, 0x30_0000, Page, at: world.World.Buffer + (4 * Page)));
        Assert.True(port.Write(world.World.Buffer + (4 * Page), [1], out _));
        Unmap(world, ioas, At, 4 * Page);
        Assert.True(Reaches(port, world.World.Buffer + (3 * Page)));
        Assert.False(Reaches(port, world.World.Buffer));
        Unmap(world, ioas, 0x20_0000, 2 * Page);
        Assert.False(Reaches(port, world.World.Buffer + (3 * Page)));
        Assert.True(Reaches(port, world.World.Buffer + (4 * Page)));
        Assert.Equal(1, world.World.Engine.Physical.Pages);
        Assert.Equal(Errno.Success, world.World.Map(ioas, At, 64 * Page));

        // A device that nobody has open reaches nothing, and what was pinned for it is given back.
        file.Close();
        Assert.False(Reaches(port, world.World.Buffer));
        Assert.Equal(0, world.World.Engine.Physical.Pages);
    }

    [Fact]
    public void AddressesOfOtherProcessesFitIntoTheWidestTable()
    {
        Assert.True(PhysicalMemory.TryAddressOf(Frame.OfRemote(511, Frame.RemoteAddressEnd - 4096), out ulong address));
        Assert.Equal((1UL << PhysicalMemory.AddressLg2) - 4096, address);
        Assert.False(PhysicalMemory.TryAddressOf(Frame.OfRemote(512, 0x1000), out _));
        Assert.True(PhysicalMemory.TryAddressOf(Frame.OfHost(0x7fff_0000_1000), out address));
        Assert.Equal(0x7fff_0000_1000UL, address);
    }

    private static bool Reaches(DmaPort port, ulong address) => port.Read(address, stackalloc byte[4], out _);

    private static void Unmap(ContainerWorld world, uint ioas, ulong iova, ulong bytes) =>
        Assert.Equal(Errno.Success, world.World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Iova = iova, Length = bytes }));

    private static Errno Address(ContainerWorld world, uint ioas, ulong iova, out ulong address)
    {
        var command = new NoIommuGetPaCommand { IoasId = ioas, Iova = iova, Length = 1 };
        Errno errno = world.World.Do(IommufdRequest.NoIommuGetPa, ref command);
        address = command.OutPhys;
        return errno;
    }
}
