using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>HWPT_ALLOC, dirty tracking, hardware information and invalidation.</summary>
public sealed class HwptTests
{
    [Fact]
    public void AnHwptIsJudgedInTheKernelsOrder()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        DeviceObject clean = world.Bind(new FakeDevice(world.Engine) { Dirty = false });
        DeviceObject foreign = world.Bind(new FakeDevice(world.Engine, iommu: new object()));
        Errno Alloc(uint dev, uint pt, uint flags = 0, uint type = 0, uint length = 0, uint reserved = 0, uint fault = 0) =>
            world.Do(IommufdRequest.HwptAlloc, new HwptAllocCommand
            {
                DevId = dev,
                PtId = pt,
                Flags = (HwptAllocFlags)flags,
                DataType = type,
                DataLen = length,
                DataUptr = world.Data,
                Reserved = reserved,
                FaultId = fault,
            });

        Assert.Equal(Errno.NotSupported, Alloc(99, 99, reserved: 1, type: 1));
        Assert.Equal(Errno.Invalid, Alloc(99, 99, type: 1));
        Assert.Equal(Errno.Invalid, Alloc(99, 99, length: 1));
        Assert.Equal(Errno.NotFound, Alloc(99, 99));
        Assert.Equal(Errno.NotFound, Alloc(ioas, ioas));
        Assert.Equal(Errno.Invalid, Alloc(device.Id, 99));
        Assert.Equal(Errno.Invalid, Alloc(device.Id, device.Id));
        Assert.Equal(Errno.NotSupported, Alloc(device.Id, ioas, flags: 16));
        Assert.Equal(Errno.NotSupported, Alloc(device.Id, ioas, flags: 4)); // faults only on nested ones in this release
        Assert.Equal(Errno.NotSupported, Alloc(device.Id, ioas, flags: 8));
        Assert.Equal(Errno.NotSupported, Alloc(clean.Id, ioas, flags: 2));
        Assert.Equal(Errno.NotSupported, Alloc(device.Id, ioas, type: 7, length: 4));

        uint plain = world.Hwpt(device, ioas);
        uint parent = world.Hwpt(device, ioas, HwptAllocFlags.NestParent);
        Assert.Equal(Errno.NotSupported, Alloc(device.Id, parent)); // nested needs data
        Assert.Equal(Errno.NotSupported, Alloc(device.Id, parent, flags: 1, type: 7, length: 4));
        Assert.Equal(Errno.Invalid, Alloc(device.Id, plain, type: 7, length: 4));
        Assert.Equal(Errno.Invalid, Alloc(foreign.Id, parent, type: 7, length: 4));
        Assert.Equal(Errno.NotSupported, Alloc(device.Id, parent, type: 8, length: 4));
        Assert.Equal(Errno.Invalid, Alloc(device.Id, parent, type: 7, length: 3));
        Assert.Equal(Errno.Invalid, Alloc(device.Id, parent, type: 7, length: 5));
        Assert.Equal(Errno.NotFound, Alloc(device.Id, parent, flags: 4, type: 7, length: 4, fault: 99));
        uint nested = world.Nested(device, parent);
        Assert.Equal(0xabcdu, ((FakeNested)world.Held<NestedHwpt>(nested).Domain).Value);
        Assert.Equal(Errno.Invalid, Alloc(device.Id, nested, type: 7, length: 4));
        Assert.Equal(Errno.Busy, world.Destroy(parent));
        Assert.Equal(Errno.Busy, world.Destroy(ioas));
        FakeNested domain = (FakeNested)world.Held<NestedHwpt>(nested).Domain;
        Assert.Equal(Errno.Success, world.Destroy(nested));
        Assert.True(domain.IsFreed);
        Assert.Equal(Errno.Success, world.Destroy(parent));
        Assert.Equal(Errno.Success, world.Destroy(plain));
        Assert.Equal(Errno.Success, world.Destroy(ioas));
        device.Unbind();
        clean.Unbind();
        foreign.Unbind();
    }

    [Fact]
    public void AnHwptWhoseNumberCannotBeToldIsGone()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, 0x10_0000));
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        world.Pages.At<HwptAllocCommand>(0) = new HwptAllocCommand { Size = 48, DevId = device.Id, PtId = ioas };
        world.Pages.Protect(1);
        Assert.Equal(-(long)Errno.BadAddress, world.Context.Ioctl(world.Client, (uint)IommufdRequest.HwptAlloc, world.Pages.Address));
        Assert.Equal(2, world.Context.Objects.Published().Count());
        Assert.Equal(0UL, world.Held<IoasObject>(ioas).Space.PinnedPages);
        device.Unbind();
    }

    [Fact]
    public void CoherencyIsEnforcedWhereTheDeviceCan()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        Assert.Equal(-(long)Errno.NoDevice, world.Context.Ioctl(world.Client, (uint)VfioRequest.CheckExtension, 4));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.VfioIoas, new VfioIoasCommand { Op = VfioIoasOp.Set, IoasId = ioas }));
        Assert.Equal(1, world.Context.Ioctl(world.Client, (uint)VfioRequest.CheckExtension, 4));
        DeviceObject strict = world.Bind(new FakeDevice(world.Engine) { Enforces = true });
        DeviceObject loose = world.Bind(new FakeDevice(world.Engine));
        uint first = world.Hwpt(strict, ioas);
        Assert.Equal(1, world.Context.Ioctl(world.Client, (uint)VfioRequest.CheckExtension, 4));
        uint second = world.Hwpt(loose, ioas);
        Assert.Equal(0, world.Context.Ioctl(world.Client, (uint)VfioRequest.CheckExtension, 4));
        Assert.True(world.Held<PagingHwpt>(first).EnforcesCoherency);
        Assert.False(world.Held<PagingHwpt>(second).EnforcesCoherency);
        strict.Unbind();
        loose.Unbind();
    }

    [Fact]
    public void DirtyTrackingIsAnOptionOfAnHwpt()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint plain = world.Hwpt(device, ioas);
        uint tracking = world.Hwpt(device, ioas, HwptAllocFlags.DirtyTracking);
        Errno Set(uint id, uint flags) => world.Do(IommufdRequest.HwptSetDirtyTracking, new HwptSetDirtyTrackingCommand { HwptId = id, Flags = flags });
        Assert.Equal(Errno.NotSupported, Set(99, 2));
        Assert.Equal(Errno.NotFound, Set(99, 1));
        Assert.Equal(Errno.NotFound, Set(ioas, 1));
        Assert.Equal(Errno.NotSupported, Set(plain, 1));
        Assert.Equal(Errno.Success, Set(tracking, 1));
        Assert.Equal(Errno.Success, Set(tracking, 1));
        Assert.Equal(Errno.Success, Set(tracking, 0));
        device.Unbind();
    }

    [Fact]
    public void WrittenPagesSetBitsAndNothingElseDoes()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, 0x10_0000, 0x8000));
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint plain = world.Hwpt(device, ioas);
        uint hwpt = world.Hwpt(device, ioas, HwptAllocFlags.DirtyTracking);
        Domain table = world.Held<PagingHwpt>(hwpt).Domain.Table;
        Errno Get(uint id, ulong iova, ulong length, ulong pageSize, uint flags = 0, uint reserved = 0, ulong? data = null) =>
            world.Do(IommufdRequest.HwptGetDirtyBitmap, new HwptGetDirtyBitmapCommand
            {
                HwptId = id,
                Flags = flags,
                Reserved = reserved,
                Iova = iova,
                Length = length,
                PageSize = pageSize,
                Data = data ?? world.Data,
            });

        Assert.Equal(Errno.NotSupported, Get(99, 0, 0, 0, flags: 2));
        Assert.Equal(Errno.NotSupported, Get(99, 0, 0, 0, reserved: 1));
        Assert.Equal(Errno.NotFound, Get(99, 0, 0, 0));
        Assert.Equal(Errno.Invalid, Get(plain, 0x10_0000, 0, 0x1000));
        Assert.Equal(Errno.Overflow, Get(plain, 0x10_0000, ulong.MaxValue, 0x1000));
        Assert.Equal(Errno.Invalid, Get(plain, 0x10_0800, 0x1000, 0x800));
        Assert.Equal(Errno.Invalid, Get(plain, 0x10_0000, 0x8000, 0));
        Assert.Equal(Errno.Invalid, Get(plain, 0x10_0000, 0x8000, 0x1_0000));
        Assert.Equal(Errno.NotSupported, Get(plain, 0x10_0000, 0x8000, 0x1000));

        Assert.Equal(Errno.Success, world.Do(IommufdRequest.HwptSetDirtyTracking, new HwptSetDirtyTrackingCommand { HwptId = hwpt, Flags = 1 }));
        Assert.True(table.MarkDirty(0x10_2000));
        world.Pages.At<ulong>(World.DataOffset) = 0x80;
        Assert.Equal(Errno.Success, Get(hwpt, 0x10_0000, 0x8000, 0x1000, flags: 1));
        Assert.Equal(0x84UL, world.Pages.At<ulong>(World.DataOffset));
        world.Pages.At<ulong>(World.DataOffset) = 0;
        Assert.Equal(Errno.Success, Get(hwpt, 0x10_0000, 0x8000, 0x800));
        Assert.Equal(0x30UL, world.Pages.At<ulong>(World.DataOffset));
        world.Pages.At<ulong>(World.DataOffset) = 0;
        Assert.Equal(Errno.Success, Get(hwpt, 0x10_0000, 0x8000, 0x1000));
        Assert.Equal(0UL, world.Pages.At<ulong>(World.DataOffset));

        // A bitmap that cannot be written loses its bits, and the pages their marks; the call does not fail.
        Assert.True(table.MarkDirty(0x10_2000));
        Assert.Equal(Errno.Success, Get(hwpt, 0x10_0000, 0x8000, 0x1000, data: world.Pages.End));
        Assert.Equal(Errno.Success, Get(hwpt, 0x10_0000, 0x8000, 0x1000));
        Assert.Equal(0UL, world.Pages.At<ulong>(World.DataOffset));

        // So does a hole in the range.
        Assert.Equal(Errno.Success, Get(hwpt, 0x20_0000, 0x8000, 0x1000));
        device.Unbind();
    }

    [Fact]
    public void ABitmapMayBeginAtAnyByteAndSpanPages()
    {
        using var world = new World();
        ulong address = world.Pages.Address + 4096 - 3;
        var bitmap = new UserBitmap(world.Client.Memory, address, 0x1000, 64 * 0x1000, 0x1000);
        bitmap.Add(0x1000, 0x1000);
        bitmap.Add(0x1000 + (23 * 0x1000), 0x3000);
        bitmap.Add(0x1000 + (63 * 0x1000), 0x1_0000); // more than the bitmap has
        bitmap.Flush();
        Assert.Equal(new byte[] { 1, 0, 0x80, 3, 0, 0, 0, 0x80, 0 }, world.Pages.Bytes.Slice(4093, 9).ToArray());
        var cut = new UserBitmap(world.Client.Memory, world.Pages.End - 1, 0, 1 << 20, 0x1000);
        cut.Add(0, 0x1_0000);
        cut.Flush();
        Assert.Equal(0xff, world.Pages.Bytes[^1]);
    }

    [Fact]
    public void HardwareInformationIsCopiedAsFarAsItGoes()
    {
        using var world = new World();
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        Span<byte> there = world.Pages.Bytes.Slice(World.DataOffset, 16);
        HwInfoCommand Info(uint length, ulong? address = null) => new() { DevId = device.Id, DataLen = length, DataUptr = address ?? world.Data };
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.GetHwInfo, new HwInfoCommand { Flags = HwInfoFlags.InputType }));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.GetHwInfo, new HwInfoCommand { Reserved2 = 1 }));
        Assert.Equal(Errno.NotFound, world.Do(IommufdRequest.GetHwInfo, new HwInfoCommand { DevId = 99 }));
        there.Fill(0xa5);
        HwInfoCommand command = Info(12);
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.GetHwInfo, ref command));
        Assert.Equal(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0xa5, 0xa5, 0xa5, 0xa5 }, there.ToArray());
        Assert.Equal((8u, 0x1234u, (byte)20, HwCapabilities.DirtyTracking), (command.DataLen, command.DataType, command.OutMaxPasidLog2, command.OutCapabilities));
        there.Fill(0xa5);
        command = Info(3);
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.GetHwInfo, ref command));
        Assert.Equal(new byte[] { 1, 2, 3, 0xa5 }, there[..4].ToArray());
        Assert.Equal(8u, command.DataLen);
        command = Info(0, 0);
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.GetHwInfo, ref command));
        Assert.Equal(Errno.BadAddress, world.Do(IommufdRequest.GetHwInfo, Info(1, 0)));
        Assert.Equal(Errno.BadAddress, world.Do(IommufdRequest.GetHwInfo, Info(9, world.Pages.End - 8)));
        device.Unbind();
    }

    [Fact]
    public void ALaterReleaseTakesTheTypeOfInformation()
    {
        using var world = new World(UapiLevel.Latest);
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        HwInfoCommand Info(uint type) => new() { DevId = device.Id, Flags = HwInfoFlags.InputType, DataType = type };
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.GetHwInfo, Info(0)));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.GetHwInfo, Info(0x1234)));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.GetHwInfo, Info(1)));
        device.Unbind();
    }

    [Fact]
    public void AnInvalidationSaysHowFarItCame()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        DeviceObject device = world.Bind(new FakeDevice(world.Engine));
        uint parent = world.Hwpt(device, ioas, HwptAllocFlags.NestParent);
        uint nested = world.Nested(device, parent);
        FakeNested domain = (FakeNested)world.Held<NestedHwpt>(nested).Domain;
        (Errno Errno, uint Done) Run(uint id, uint count, uint type = 9, uint length = 4, ulong? address = null, uint reserved = 0)
        {
            var command = new HwptInvalidateCommand { HwptId = id, DataUptr = address ?? world.Data, DataType = type, EntryLen = length, EntryNum = count, Reserved = reserved };
            Errno errno = world.Do(IommufdRequest.HwptInvalidate, ref command);
            return (errno, command.EntryNum);
        }

        MemoryMarshal.Cast<byte, uint>(world.Pages.Bytes[World.DataOffset..])[1] = 7;
        Assert.Equal((Errno.NotSupported, 0u), Run(nested, 2, reserved: 1));
        Assert.Equal((Errno.Invalid, 0u), Run(99, 2, address: 0));
        Assert.Equal((Errno.Invalid, 0u), Run(99, 2, length: 0));
        Assert.Equal((Errno.Invalid, 0u), Run(99, 2, length: 4097));
        Assert.Equal((Errno.Invalid, 0u), Run(99, (1 << 19) + 1));
        Assert.Equal((Errno.NotFound, 0u), Run(99, 2));
        Assert.Equal((Errno.NotFound, 0u), Run(parent, 2));
        Assert.Equal((Errno.Invalid, 0u), Run(nested, 2, type: 8));
        Assert.Equal((Errno.Success, 0u), Run(nested, 0, address: 0));
        Assert.Equal((Errno.Success, 2u), Run(nested, 2));
        Assert.Equal([0xabcdu, 7u], domain.Invalidated);
        Assert.Equal((Errno.BadAddress, 2u), Run(nested, 3, address: world.Pages.End - 8));
        Assert.Equal((Errno.Invalid, 0u), Run(nested, 1, length: 8));
        device.Unbind();
    }
}
