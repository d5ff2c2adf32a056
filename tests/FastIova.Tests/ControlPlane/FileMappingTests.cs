using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>mmap of the file of a context, by code of this process.</summary>
public sealed class FileMappingTests
{
    private const ulong Length = 0x2000;

    [Fact]
    public void AMappingIsTheMemoryOfItsOwnerAndKeepsIt()
    {
        using var world = new VirtualWorld();
        uint viommu = world.ViommuWithData(0xabcd1234, out TestViommu told);
        Assert.Equal(Errno.Success, world.Map(told.OutMmapOffset, told.OutMmapLength, out FileMapping? mapping));
        Assert.Equal(0xabcd1234u, MemoryMarshal.Read<uint>(mapping!.Bytes));
        Assert.Equal((int)Length, mapping.Bytes.Length);
        Assert.Equal(Errno.Success, world.Map(told.OutMmapOffset, Length - 1, out FileMapping? second));
        mapping.Bytes[0x1000] = 7;
        Assert.Equal(7, second!.Bytes[0x1000]);
        Assert.Equal(Errno.Busy, world.World.Destroy(viommu));
        mapping.Dispose();
        mapping.Dispose();
        Assert.Equal(Errno.Busy, world.World.Destroy(viommu));
        second.Dispose();
        Assert.Equal(Errno.Success, world.World.Destroy(viommu));
        Assert.Equal(Errno.NoSuchDevice, world.Map(told.OutMmapOffset, Length, out _));
    }

    [Fact]
    public void OnlyAWholeOfferIsMappedAndOnlyShared()
    {
        using var world = new VirtualWorld();
        world.ViommuWithData(1, out _);
        Assert.Equal(Errno.NoSuchDevice, world.Map(0, Length, out _));
        Assert.Equal(Errno.NoSuchDevice, world.Map(0x2000, 0x1000, out _));
        Assert.Equal(Errno.NoSuchDevice, world.Map(0x1000, 0x1000, out _));
        Assert.Equal(Errno.NoSuchDevice, world.Map(0x1000, Length + 1, out _));
        Assert.Equal(Errno.Invalid, world.Map(0x1000, Length, out _, flags: 2));
        Assert.Equal(Errno.Invalid, world.Map(0x1000, Length, out _, flags: 0));
        Assert.Equal(Errno.Invalid, world.Map(0x1000, Length, out _, protection: 5, flags: 2));
        Assert.Equal(Errno.NotPermitted, world.Map(0, 1, out _, protection: 5));
        Assert.Equal(Errno.Invalid, world.Map(0x1001, Length, out _));
        Assert.Equal(Errno.Invalid, world.Map(0x1000, 0, out _));
        Assert.Equal(Errno.OutOfMemory, world.Map(0x1000, ulong.MaxValue, out _));
        Assert.Equal(Errno.Overflow, world.Map(0xffff_ffff_ffff_e000, Length, out _));
        Assert.Equal(Errno.Invalid, world.Map(0xffff_ffff_ffff_c000, Length, out _, flags: 2));
        Assert.Equal(Errno.Success, world.Map(0x1000, Length, out FileMapping? mapping, protection: 0, flags: 3));
        mapping!.Dispose();
    }

    [Fact]
    public void TheLowestGapIsOfferedFirst()
    {
        using var world = new VirtualWorld();
        uint first = world.ViommuWithData(1, out TestViommu one);
        uint second = world.ViommuWithData(2, out TestViommu two);
        world.ViommuWithData(3, out TestViommu three);
        Assert.Equal((0x1000u, 0x3000u, 0x5000u), (one.OutMmapOffset, two.OutMmapOffset, three.OutMmapOffset));
        Assert.Equal(Errno.Success, world.World.Destroy(second));
        Assert.Equal(Errno.Success, world.World.Destroy(first));
        world.ViommuWithData(4, out TestViommu four);
        world.ViommuWithData(5, out TestViommu five);
        world.ViommuWithData(6, out TestViommu six);
        Assert.Equal((0x1000u, 0x3000u, 0x7000u), (four.OutMmapOffset, five.OutMmapOffset, six.OutMmapOffset));
    }

    [Fact]
    public void AMappingKeepsTheContextWhenItsFileIsClosed()
    {
        using var world = new VirtualWorld();
        world.ViommuWithData(0x77, out TestViommu told);
        Assert.Equal(Errno.Success, world.Map(told.OutMmapOffset, Length, out FileMapping? mapping));
        world.World.Context.Close();
        Assert.Equal(1, world.World.Engine.OpenContexts);
        Assert.Equal(0x77u, MemoryMarshal.Read<uint>(mapping!.Bytes));
        mapping.Dispose();
        Assert.Equal(0, world.World.Engine.OpenContexts);
    }

    [Fact]
    public void OtherFilesAreNoDevices()
    {
        using var world = new VirtualWorld();
        Assert.Equal(Errno.Success, world.Events(world.Viommu(), 1, out _, out uint fd));
        Assert.Equal(-(long)Errno.NoDevice, world.World.Client.File(fd).Map(new MapRequest(0x1000, Length, 1, 1), out _));
    }
}
