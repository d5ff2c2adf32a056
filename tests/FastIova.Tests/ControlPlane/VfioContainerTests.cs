using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>The calls of a VFIO container, as an iommufd answers them.</summary>
public sealed class VfioContainerTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(4, -19)]
    [InlineData(5, 0)]
    [InlineData(6, 0)]
    [InlineData(7, 0)]
    [InlineData(8, 1)]
    [InlineData(9, 1)]
    [InlineData(10, 0)]
    [InlineData(0x1_0000_0001, 0)]
    public void ExtensionsAreAnsweredWithoutAnIoas(long extension, long expected)
    {
        using var world = new World();
        Assert.Equal(0, world.Context.Ioctl(world.Client, (uint)VfioRequest.GetApiVersion, 77));
        Assert.Equal(expected, world.Context.Ioctl(world.Client, (uint)VfioRequest.CheckExtension, (ulong)extension));
    }

    [Fact]
    public void WithoutAnIoasThereIsNoDevice()
    {
        using var world = new World();
        Assert.Equal(-(long)Errno.NoDevice, world.Context.Ioctl(world.Client, (uint)VfioRequest.SetIommu, 1));
        Assert.Equal(-(long)Errno.Invalid, world.Context.Ioctl(world.Client, (uint)VfioRequest.SetIommu, 8));
        Assert.Equal(-(long)Errno.Invalid, world.Context.Ioctl(world.Client, (uint)VfioRequest.SetIommu, 2));
        VfioDmaMap map = default;
        VfioDmaUnmap unmap = default;
        VfioType1Info info = default;
        Assert.Equal(-(long)Errno.NoDevice, world.Vfio(VfioRequest.IommuMapDma, ref map));
        Assert.Equal(-(long)Errno.NoDevice, world.Vfio(VfioRequest.IommuUnmapDma, ref unmap));
        Assert.Equal(-(long)Errno.NoDevice, world.Vfio(VfioRequest.IommuGetInfo, ref info));
        Assert.Equal(-(long)Errno.NotATypewriter, world.Context.Ioctl(world.Client, (uint)VfioRequest.IommuDirtyPages, 0));
        Assert.Equal(-(long)Errno.NotATypewriter, world.Context.Ioctl(world.Client, 0x3b73, 0));
        Assert.Equal(-(long)Errno.BadAddress, world.Context.Ioctl(world.Client, (uint)VfioRequest.IommuMapDma, 0));
    }

    [Fact]
    public void AMapIsAtTheIovaThatIsGiven()
    {
        using World world = Container(out uint ioas);
        var map = new VfioDmaMap { ArgSz = 31 };
        Assert.Equal(-(long)Errno.Invalid, world.Vfio(VfioRequest.IommuMapDma, ref map));
        map = new VfioDmaMap { Flags = 4 };
        Assert.Equal(-(long)Errno.Invalid, world.Vfio(VfioRequest.IommuMapDma, ref map));
        map = new VfioDmaMap { Flags = 3, Vaddr = world.Buffer, Iova = 0x5000, Bytes = 0x3000 };
        Assert.Equal(0, world.Vfio(VfioRequest.IommuMapDma, ref map));
        Assert.Equal(-(long)Errno.AlreadyExists, world.Vfio(VfioRequest.IommuMapDma, ref map));
        map = new VfioDmaMap { Flags = 0, Vaddr = world.Buffer, Iova = 0, Bytes = 0x1000 };
        Assert.Equal(0, world.Vfio(VfioRequest.IommuMapDma, ref map)); // neither readable nor writeable is no error here
        Assert.Equal([new IovaSpan(0, 0xfff), new IovaSpan(0x5000, 0x7fff)], world.Held<IoasObject>(ioas).Space.AreaSpans());
    }

    [Fact]
    public void VersionTwoTakesWholeMappingsOnly()
    {
        using World world = Container(out _);
        Assert.Equal(0, world.Context.Ioctl(world.Client, (uint)VfioRequest.SetIommu, 3));
        var map = new VfioDmaMap { Flags = 3, Vaddr = world.Buffer, Iova = 0x5000, Bytes = 0x3000 };
        Assert.Equal(0, world.Vfio(VfioRequest.IommuMapDma, ref map));
        Assert.Equal((-(long)Errno.NotFound, 0UL), Unmap(world, 0x6000, 0x1000));
        Assert.Equal((0, 0UL), Unmap(world, 0x10_0000, 0x1000)); // a hole
        Assert.Equal((0, 0x3000UL), Unmap(world, 0x4000, 0x10000));
        Assert.Equal((-(long)Errno.Invalid, 0x1000UL), Unmap(world, 0, 0x1000, flags: 2));
        Assert.Equal((-(long)Errno.Invalid, 0x1000UL), Unmap(world, 0, 0x1000, flags: 1));
        Assert.Equal(0, world.Vfio(VfioRequest.IommuMapDma, ref map));
        Assert.Equal((0, 0x3000UL), Unmap(world, 0, 0, flags: 2));
    }

    [Fact]
    public void VersionOneCutsMappings()
    {
        using World world = Container(out uint ioas);
        Assert.Equal(0, world.Context.Ioctl(world.Client, (uint)VfioRequest.SetIommu, 1));
        Assert.True(world.Held<IoasObject>(ioas).Space.IsLargePagesDisabled);
        var map = new VfioDmaMap { Flags = 3, Vaddr = world.Buffer, Iova = 0x5000, Bytes = 0x3000 };
        Assert.Equal(0, world.Vfio(VfioRequest.IommuMapDma, ref map));
        Assert.Equal((0, 0x1000UL), Unmap(world, 0x6000, 0x1000));
        Assert.Equal([new IovaSpan(0x5000, 0x5fff), new IovaSpan(0x7000, 0x7fff)], world.Held<IoasObject>(ioas).Space.AreaSpans());
        Assert.Equal((-(long)Errno.Invalid, 0x800UL), Unmap(world, 0x5000, 0x800)); // misaligned: nothing was cut, and no length told
    }

    [Fact]
    public void TheInformationIsAChainAsFarAsThereIsRoom()
    {
        using World world = Container(out uint ioas);
        Assert.Equal(IoasStatus.Success, world.Held<IoasObject>(ioas).Space.Reserve(new IovaSpan(0x1000, 0x1fff), null));
        Span<byte> there = world.Pages.Bytes[..256];
        long Run(uint argsz)
        {
            Span<byte> bytes = world.Pages.Bytes[..256];
            bytes.Fill(0xa5);
            MemoryMarshal.Write(bytes, argsz);
            return world.Context.Ioctl(world.Client, (uint)VfioRequest.IommuGetInfo, world.Pages.Address);
        }

        Assert.Equal(-(long)Errno.Invalid, Run(15));
        Assert.Equal(0, Run(16));
        Assert.Equal((88u, 3u, 0xffff_ffff_ffff_f000UL), (world.Pages.At<uint>(0), world.Pages.At<uint>(4), world.Pages.At<ulong>(8)));
        Assert.True(there[16..].IndexOfAnyExcept((byte)0xa5) < 0);

        // Room for the first capability only: it is written, and not to be followed.
        Assert.Equal(0, Run(40));
        Assert.Equal((88u, 0u), (world.Pages.At<uint>(0), world.Pages.At<VfioType1Info>(0).CapOffset));
        Assert.Equal((3, 1, 40u, uint.MaxValue), (world.Pages.At<VfioCapDmaAvail>(24).Header.Id, world.Pages.At<VfioCapDmaAvail>(24).Header.Version, world.Pages.At<VfioCapDmaAvail>(24).Header.Next, world.Pages.At<VfioCapDmaAvail>(24).Avail));
        Assert.Equal(0xa5, there[40]);

        Assert.Equal(0, Run(88));
        Assert.Equal(24u, world.Pages.At<VfioType1Info>(0).CapOffset);
        Assert.Equal((1, 1, 0u, 2u), (world.Pages.At<VfioCapIovaRange>(40).Header.Id, world.Pages.At<VfioCapIovaRange>(40).Header.Version, world.Pages.At<VfioCapIovaRange>(40).Header.Next, world.Pages.At<VfioCapIovaRange>(40).NrIovas));
        Assert.Equal((0UL, 0xfffUL), (world.Pages.At<VfioIovaRange>(56).Start, world.Pages.At<VfioIovaRange>(56).End));
        Assert.Equal((0x2000UL, ulong.MaxValue), (world.Pages.At<VfioIovaRange>(72).Start, world.Pages.At<VfioIovaRange>(72).End));
        Assert.True(there[88..].IndexOfAnyExcept((byte)0xa5) < 0);

        world.Pages.At<uint>(80 * 4096 - 32) = 88;
        Assert.Equal(-(long)Errno.BadAddress, world.Context.Ioctl(world.Client, (uint)VfioRequest.IommuGetInfo, world.Pages.End - 32));
    }

    [Fact]
    public void TheSizesOfPagesAreThoseOfEveryDomain()
    {
        using World world = Container(out uint ioas);
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        world.Hwpt(device, ioas);
        VfioType1Info info = default;
        Assert.Equal(0, world.Vfio(VfioRequest.IommuGetInfo, ref info));
        Assert.Equal(0x40201000UL, info.IovaPgSizes);
        device.Unbind();
    }

    private static World Container(out uint ioas)
    {
        var world = new World(node: EngineNode.VfioContainer);
        ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.VfioIoas, new VfioIoasCommand { Op = VfioIoasOp.Set, IoasId = ioas }));
        return world;
    }

    private static (long Result, ulong Bytes) Unmap(World world, ulong iova, ulong bytes, uint flags = 0)
    {
        var unmap = new VfioDmaUnmap { Flags = flags, Iova = iova, Bytes = bytes };
        return (world.Vfio(VfioRequest.IommuUnmapDma, ref unmap), unmap.Bytes);
    }
}
