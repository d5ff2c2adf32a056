using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class ViommuTests
{
    [Fact]
    public void WhatMakesNoSenseIsRefusedInTheOrderOfTheKernel()
    {
        using var world = new VirtualWorld();
        Assert.Equal(Errno.NotSupported, world.Make(out _, device: 99, flags: 1));
        Assert.Equal(Errno.NotSupported, world.Make(out _, device: 99, type: 0));
        Assert.Equal(Errno.NotFound, world.Make(out _, device: 99));
        Assert.Equal(Errno.NotSupported, world.Make(out _, parent: 99, type: 1));
        Assert.Equal(Errno.NotFound, world.Make(out _, parent: 99));
        Assert.Equal(Errno.NotFound, world.Make(out _, parent: world.Ioas));
        uint plain = world.World.Hwpt(world.World.Held<DeviceObject>(world.Device), world.Ioas);
        Assert.Equal(Errno.Invalid, world.Make(out _, parent: plain));
        Assert.Equal(Errno.Invalid, world.Make(out _, dataLength: 7));
        Assert.Equal(Errno.Invalid, world.Make(out _, dataLength: 25));
        Assert.Equal(Errno.Success, world.Make(out uint viommu));
        Assert.Equal(plain + 1, viommu);
    }

    [Fact]
    public void ADeviceWhoseIommuHasNoneAnswersNotSupported()
    {
        using var world = new World(UapiLevel.Latest);
        uint ioas = world.Ioas();
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint parent = world.Hwpt(device, ioas, HwptAllocFlags.NestParent);
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.ViommuAlloc, new ViommuAllocCommand { Type = 1, DevId = device.Id, HwptId = parent }));
        device.Unbind();
    }

    [Fact]
    public void OlderReleasesHaveNone()
    {
        using var world = new World(UapiLevel.Linux612);
        Assert.Equal(Errno.NotATypewriter, world.Do(IommufdRequest.ViommuAlloc, default(ViommuAllocCommand)));
        Assert.Equal(Errno.NotATypewriter, world.Do(IommufdRequest.VdeviceAlloc, default(VdeviceAllocCommand)));
        Assert.Equal(Errno.NotATypewriter, world.Do(IommufdRequest.VeventqAlloc, default(VeventqAllocCommand)));
        Assert.Equal(Errno.NotATypewriter, world.Do(IommufdRequest.HwQueueAlloc, default(HwQueueAllocCommand)));
        Assert.Equal(-(long)Errno.NoDevice, world.Context.Map(new MapRequest(0x1000, 0x2000, 1, 1), out _));
    }

    [Fact]
    public void TheDriverAnswersInTheDataAsFarAsTheCallerKnowsIt()
    {
        using var world = new VirtualWorld();
        world.ViommuWithData(0xabcd1234, out TestViommu told);
        Assert.Equal(0xabcd1234u, told.OutData);
        Assert.Equal(0x1000u, told.OutMmapOffset);
        Assert.Equal(0x2000u, told.OutMmapLength);

        ref TestViommu data = ref world.World.Pages.At<TestViommu>(World.DataOffset);
        data = new TestViommu { InData = 7, OutMmapOffset = 0x5555 };
        Assert.Equal(Errno.Success, world.Make(out _, dataLength: 8));
        Assert.Equal(7u, data.OutData);
        Assert.Equal(0x5555u, data.OutMmapOffset);
    }

    [Fact]
    public void DataThatCannotBeAnsweredMakesNothing()
    {
        using var world = new VirtualWorld();
        world.World.Pages.Protect(2); // the struct and the data can be read only
        var command = new ViommuAllocCommand { Type = VirtualWorld.MockType, DevId = world.Device, HwptId = world.Parent, DataLen = 24, DataUptr = world.World.Data };
        var buffer = MemoryMarshal.AsBytes(new Span<ViommuAllocCommand>(ref command));
        MemoryMarshal.Write(buffer, (uint)buffer.Length);
        Assert.Equal(-(long)Errno.BadAddress, world.World.Context.Run(world.World.Client, (uint)IommufdRequest.ViommuAlloc, new CallArgument(buffer)));
        Assert.Equal(Errno.NoSuchDevice, world.Map(0x1000, 0x2000, out _));
    }

    [Fact]
    public void EveryUserKeepsIt()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        Assert.Equal(Errno.Busy, world.World.Destroy(world.Parent));
        uint nested = world.Nested(viommu);
        Assert.Equal(Errno.Busy, world.World.Destroy(viommu));
        Assert.Equal(Errno.Success, world.World.Destroy(nested));
        uint vdevice = world.Vdevice(viommu, 5);
        Assert.Equal(Errno.Busy, world.World.Destroy(viommu));
        Assert.Equal(Errno.Success, world.World.Destroy(vdevice));
        Assert.Equal(Errno.Success, world.Events(viommu, 2, out uint queue, out uint fd));
        Assert.Equal(Errno.Busy, world.World.Destroy(queue));
        world.World.Client.Close((int)fd);
        Assert.Equal(Errno.Busy, world.World.Destroy(viommu));
        Assert.Equal(Errno.Success, world.World.Destroy(queue));
        Assert.Equal(Errno.Success, world.World.Destroy(viommu));
        Assert.Equal(Errno.Success, world.World.Destroy(world.Parent));
    }

    [Fact]
    public void WhatIsLeftGoesWithTheContext()
    {
        using var world = new VirtualWorld();
        uint viommu = world.ViommuWithData(1, out _);
        world.Vdevice(viommu, 5);
        Assert.Equal(Errno.Success, world.Replace(world.Nested(viommu)));
        Assert.Equal(Errno.Success, world.Events(viommu, 2, out _, out _));
        Assert.Equal(Errno.Success, world.World.Map(world.Ioas, VirtualWorld.Iova));
        Assert.Equal(Errno.Success, world.Queue(viommu, 0, VirtualWorld.Iova, 0x1000, out _));
    }

    [Fact]
    public void OnlyADeviceThatTheGuestKnowsIsAttachedToItsHwpt()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        uint nested = world.Nested(viommu);
        Assert.Equal(Errno.NotFound, world.Replace(nested));
        uint vdevice = world.Vdevice(viommu, 9);
        Assert.Equal(Errno.Success, world.Replace(nested));

        // The attachment stays when the guest's device goes.
        Assert.Equal(Errno.Success, world.World.Destroy(vdevice));
        Assert.Equal(Errno.Busy, world.World.Destroy(nested));
        Assert.Equal(Errno.Success, world.Replace(world.Parent));
        Assert.Equal(Errno.NotFound, world.Replace(nested));
        Assert.Equal(Errno.Success, world.World.Destroy(nested));
    }

    [Fact]
    public void NestedHwptsTakeFaultsAndPasidsAndNeedData()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        FaultAllocCommand faults = default;
        Assert.Equal(Errno.Success, world.World.Do(IommufdRequest.FaultQueueAlloc, ref faults));
        Assert.Equal(Errno.Success, world.Nest(viommu, out uint hwpt, HwptAllocFlags.FaultIdValid | HwptAllocFlags.Pasid, faults.OutFaultId));
        Assert.Equal(Errno.NotFound, world.Nest(viommu, out _, HwptAllocFlags.FaultIdValid, 99));
        Assert.Equal(Errno.NotSupported, world.Nest(viommu, out _, HwptAllocFlags.NestParent));
        Assert.Equal(
            Errno.NotSupported,
            world.World.Do(IommufdRequest.HwptAlloc, new HwptAllocCommand { DevId = world.Device, PtId = viommu }));
        world.Vdevice(viommu, 1);
        Assert.Equal(Errno.Success, world.Replace(hwpt));
        Assert.Equal(Errno.Success, world.World.Do(IommufdRequest.TestCmd, new TestCommand { Op = TestOp.TriggerIopf, TriggerIopf = { DevId = world.Device } }));
        Assert.True(world.World.Client.File(faults.OutFaultFd).IsReadable);
    }

    [Fact]
    public void InvalidationReachesTheDevicesByTheNumbersOfTheGuest()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        uint vdevice = world.Vdevice(viommu, 0x99);
        Assert.True(world.Caches(0, TestConstants.DeviceCacheDefault));
        Assert.Equal((Errno.Success, 1u), Invalidate(world, viommu, new TestViommuInvalidate { VdevId = 0x99, CacheId = 2 }));
        Assert.True(world.Caches(2, 0));
        Assert.True(world.Caches(3, TestConstants.DeviceCacheDefault));
        Assert.False(world.Caches(4, TestConstants.DeviceCacheDefault));
        Assert.Equal(
            (Errno.Invalid, 1u),
            Invalidate(world, viommu, new TestViommuInvalidate { VdevId = 0x99, Flags = 1 }, new TestViommuInvalidate { VdevId = 0x98 }));
        Assert.True(world.Caches(3, 0));
        Assert.Equal((Errno.NotSupported, 0u), Invalidate(world, viommu, new TestViommuInvalidate { VdevId = 0x98, Flags = 2, CacheId = 9 }));
        Assert.Equal((Errno.Invalid, 0u), Invalidate(world, viommu, new TestViommuInvalidate { VdevId = 0x99, CacheId = 4 }));
        Assert.Equal(Errno.Success, world.World.Destroy(vdevice));
        Assert.Equal((Errno.Invalid, 0u), Invalidate(world, viommu, new TestViommuInvalidate { VdevId = 0x99 }));
    }

    [Fact]
    public void EntriesOfOtherLengthsObeyTheSizeLaw()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        world.Vdevice(viommu, 0x99);
        Span<uint> words = MemoryMarshal.Cast<byte, uint>(world.World.Pages.Bytes.Slice(World.DataOffset, 64));
        words.Clear();
        words[1] = 0x99;
        words[2] = 1;
        Assert.Equal((Errno.Success, 1u), Invalidate(world, viommu, entryLength: 16, count: 1));
        words[3] = 5;
        Assert.Equal((Errno.TooBig, 0u), Invalidate(world, viommu, entryLength: 16, count: 1));
        Assert.Equal((Errno.Success, 1u), Invalidate(world, viommu, entryLength: 8, count: 1)); // cache 0
        Assert.True(world.Caches(0, 0));
        Assert.Equal((Errno.BadAddress, 0u), Invalidate(world, viommu, entryLength: 12, count: 1, at: world.World.Pages.End - 8));
        Assert.Equal((Errno.OutOfMemory, 0u), Invalidate(world, viommu, entryLength: 12, count: 1 << 19));
        Assert.Equal((Errno.Invalid, 0u), Invalidate(world, viommu, entryLength: 12, count: 1, type: 1));
        Assert.Equal((Errno.Success, 0u), Invalidate(world, viommu, entryLength: 12, count: 0));
        Assert.Equal((Errno.Invalid, 0u), Invalidate(world, viommu, entryLength: 12, count: 0, type: 1));
    }

    private static (Errno Errno, uint Done) Invalidate(VirtualWorld world, uint viommu, params ReadOnlySpan<TestViommuInvalidate> orders)
    {
        MemoryMarshal.AsBytes(orders).CopyTo(world.World.Pages.Bytes[World.DataOffset..]);
        return Invalidate(world, viommu, 12, (uint)orders.Length);
    }

    private static (Errno Errno, uint Done) Invalidate(VirtualWorld world, uint viommu, uint entryLength, uint count, ulong? at = null, uint type = TestConstants.ViommuInvalidateDataType)
    {
        var command = new HwptInvalidateCommand { HwptId = viommu, DataUptr = at ?? world.World.Data, DataType = type, EntryLen = entryLength, EntryNum = count };
        Errno errno = world.World.Do(IommufdRequest.HwptInvalidate, ref command);
        return (errno, command.EntryNum);
    }
}
