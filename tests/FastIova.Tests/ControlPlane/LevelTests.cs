using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>What releases of Linux answer differently, asked of both.</summary>
public sealed class LevelTests
{
    private const ulong First = TestConstants.ApertureFirst;

    public static TheoryData<UapiLevel> Levels => [UapiLevel.Linux612, UapiLevel.Latest];

    [Theory]
    [MemberData(nameof(Levels))]
    public void APagingHwptMayHaveAFaultQueue(UapiLevel level)
    {
        using World world = Prepare(level, out uint ioas, out uint device);
        FaultAllocCommand queue = default;
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.FaultQueueAlloc, ref queue));
        Assert.Equal(Before(level, Errno.NotSupported), Hwpt(world, device, ioas, HwptAllocFlags.FaultIdValid, fault: queue.OutFaultId));
        Assert.Equal(Before(level, Errno.NotSupported, Errno.NotFound), Hwpt(world, device, ioas, HwptAllocFlags.FaultIdValid, fault: 99));
        Assert.Equal(Errno.NotSupported, Hwpt(world, device, ioas, HwptAllocFlags.FaultIdValid | HwptAllocFlags.NestParent, fault: queue.OutFaultId));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void DataOfAMockHwptPicksItsTable(UapiLevel level)
    {
        using World world = Prepare(level, out uint ioas, out uint device);
        Assert.Equal(Before(level, Errno.NotSupported), Hwpt(world, device, ioas, data: 0));
        Assert.Equal(Before(level, Errno.NotSupported), Hwpt(world, device, ioas, data: 1UL << 32));
        Assert.Equal(Errno.NotSupported, Hwpt(world, device, ioas, data: 2UL << 32));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void ANestedHwptMayHaveEightBytesOfData(UapiLevel level)
    {
        using World world = Prepare(level, out uint ioas, out uint device);
        Assert.Equal(Errno.Success, Hwpt(world, device, ioas, out uint parent, HwptAllocFlags.NestParent));
        Assert.Equal(Errno.Success, Hwpt(world, device, parent, data: 5, length: 4));
        Assert.Equal(Before(level, Errno.Invalid), Hwpt(world, device, parent, data: 5, length: 5));
        Assert.Equal(Before(level, Errno.Invalid), Hwpt(world, device, parent, data: 5, length: 8));
        Assert.Equal(Errno.Invalid, Hwpt(world, device, parent, data: 5, length: 3));
    }

    [Theory]
    [InlineData(UapiLevel.Linux612, false)]
    [InlineData(UapiLevel.Linux612Backports, true)]
    [InlineData(UapiLevel.Latest, true)]
    public void InformationOfATypeCanBeAskedFor(UapiLevel level, bool takesTypes)
    {
        using World world = Prepare(level, out _, out uint device);
        Assert.Equal(Errno.Success, Information(world, device, HwInfoFlags.None, 77, out _));
        Assert.Equal(takesTypes ? Errno.Success : Errno.NotSupported, Information(world, device, HwInfoFlags.InputType, (uint)HwInfoType.Selftest, out _));
        Assert.Equal(takesTypes ? Errno.Success : Errno.NotSupported, Information(world, device, HwInfoFlags.InputType, (uint)HwInfoType.None, out _));
        Assert.Equal(Errno.NotSupported, Information(world, device, HwInfoFlags.InputType, 77, out _));
        Assert.Equal(takesTypes ? Errno.NotFound : Errno.NotSupported, Information(world, 99, HwInfoFlags.InputType, 77, out _));
        Assert.Equal(Errno.NotSupported, Information(world, device, (HwInfoFlags)2, 0, out _));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void MissingTranslationServicesAreTold(UapiLevel level)
    {
        using World world = Prepare(level, out _, out uint device);
        Assert.Equal(Errno.Success, Information(world, device, HwInfoFlags.None, 0, out HwCapabilities capabilities));
        Assert.Equal(
            HwCapabilities.DirtyTracking | (IsNew(level) ? HwCapabilities.PciAtsNotSupported : HwCapabilities.None),
            capabilities);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void OnlyNestedHwptsAreInvalidated(UapiLevel level)
    {
        using World world = Prepare(level, out uint ioas, out _);
        var command = new HwptInvalidateCommand { HwptId = ioas, DataType = TestConstants.InvalidateDataType };
        Assert.Equal(Before(level, Errno.NotFound, Errno.Invalid), world.Do(IommufdRequest.HwptInvalidate, command));
        command.HwptId = 99;
        Assert.Equal(Errno.NotFound, world.Do(IommufdRequest.HwptInvalidate, command));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void InvalidationsAreBounded(UapiLevel level)
    {
        using World world = Prepare(level, out uint ioas, out uint device);
        Assert.Equal(Errno.Success, Hwpt(world, device, ioas, out uint parent, HwptAllocFlags.NestParent));
        Assert.Equal(Errno.Success, Hwpt(world, device, parent, out uint nested, data: 5, length: 4));
        world.Pages.Bytes.Slice(World.DataOffset, 4096).Clear();
        Assert.Equal((Errno.Success, 0u), Invalidate(nested, entries: 0, bytes: 0));
        Assert.Equal((Errno.Success, 1u), Invalidate(nested, entries: 1, bytes: 8));
        Assert.Equal((Errno.Invalid, 0u), Invalidate(nested, entries: 1, bytes: 4097));
        Assert.Equal((Errno.Invalid, 0u), Invalidate(nested, entries: 1, bytes: 0));
        Assert.Equal((Errno.Invalid, 0u), Invalidate(nested, entries: (1 << 19) + 1, bytes: 8));
        Assert.Equal((Errno.Invalid, 0u), Invalidate(99, entries: (1 << 19) + 1, bytes: 8)); // before anybody looks for the hwpt
        Assert.Equal((Errno.NotFound, 0u), Invalidate(99, entries: 1, bytes: 8));

        (Errno Errno, uint Done) Invalidate(uint hwpt, uint entries, uint bytes)
        {
            var command = new HwptInvalidateCommand
            {
                HwptId = hwpt,
                DataUptr = world.Data,
                DataType = TestConstants.InvalidateDataType,
                EntryLen = bytes,
                EntryNum = entries,
            };
            Errno errno = world.Do(IommufdRequest.HwptInvalidate, ref command);
            return (errno, command.EntryNum);
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void AddressesThatWrapAreFoundFirst(UapiLevel level)
    {
        using World world = Prepare(level, out uint ioas, out _);
        Assert.Equal(Before(level, Errno.Invalid, Errno.Overflow), world.Map(ioas, First, length: unchecked(0UL - 4096)));
        Assert.Equal(Errno.Overflow, world.Map(ioas, First, length: 0x2000, at: unchecked(0UL - 4096)));
        Assert.Equal(Errno.Invalid, world.Map(ioas, First, length: 0));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.VfioIoas, new VfioIoasCommand { Op = VfioIoasOp.Set, IoasId = ioas }));
        var map = new VfioDmaMap { Flags = 3, Vaddr = world.Buffer, Iova = First, Bytes = ulong.MaxValue };
        Assert.Equal(-(long)Before(level, Errno.Invalid, Errno.Overflow), world.Vfio(VfioRequest.IommuMapDma, ref map));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void WhatNobodyMayAccessIsRefusedByDomains(UapiLevel level)
    {
        using var world = new World(level, hasTestBackend: true);
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.VfioIoas, new VfioIoasCommand { Op = VfioIoasOp.Set, IoasId = ioas }));
        var map = new VfioDmaMap { Flags = 0, Vaddr = world.Buffer, Iova = First, Bytes = 0x3000 };
        Assert.Equal(0, world.Vfio(VfioRequest.IommuMapDma, ref map)); // without a domain it is nothing but an area

        Assert.Equal(Before(level, Errno.Success, Errno.Invalid), Mock(world, ioas, 0, out _));
        if (IsNew(level))
        {
            var unmap = new VfioDmaUnmap { Iova = First, Bytes = 0x3000 };
            Assert.Equal(0, world.Vfio(VfioRequest.IommuUnmapDma, ref unmap));
            Assert.Equal(Errno.Success, Mock(world, ioas, 0, out _));
        }

        map.Iova = First + 0x10000;
        Assert.Equal(-(long)Before(level, Errno.Success, Errno.Invalid), world.Vfio(VfioRequest.IommuMapDma, ref map));
        Assert.Equal(IsNew(level) ? 0 : 2, world.Held<IoasObject>(ioas).Space.AreaSpans().Count);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void FlagsOfMockDevicesDiffer(UapiLevel level)
    {
        using World world = Prepare(level, out uint ioas, out _);
        Assert.Equal(Errno.Success, Mock(world, ioas, TestConstants.DeviceNoDirty, out _));
        Assert.Equal(Before(level, Errno.Success, Errno.Invalid), Mock(world, ioas, TestConstants.DeviceHugeIova, out _));
        Assert.Equal(Before(level, Errno.Invalid), Mock(world, ioas, TestConstants.DevicePasid, out _));
        Assert.Equal(Errno.Invalid, Mock(world, ioas, 8, out _));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void MapsAreCheckedAfterTheHwptIsFound(UapiLevel level)
    {
        using World world = Prepare(level, out _, out _);
        var command = new TestCommand { Op = TestOp.CheckMap, Id = 99, CheckMap = { Iova = First + 1, Length = 0x1000, Uptr = world.Buffer } };
        Assert.Equal(Before(level, Errno.Invalid, Errno.NotFound), world.Do(IommufdRequest.TestCmd, command));
        command.CheckMap.Iova = First;
        Assert.Equal(Errno.NotFound, world.Do(IommufdRequest.TestCmd, command));
    }

    private static bool IsNew(UapiLevel level) => level == UapiLevel.Latest;

    private static Errno Before(UapiLevel level, Errno old, Errno now = Errno.Success) => IsNew(level) ? now : old;

    private static World Prepare(UapiLevel level, out uint ioas, out uint device)
    {
        var world = new World(level, hasTestBackend: true);
        ioas = world.Ioas();
        Assert.Equal(Errno.Success, Mock(world, ioas, 0, out device));
        return world;
    }

    private static Errno Mock(World world, uint ioas, uint flags, out uint device)
    {
        var command = new TestCommand { Op = TestOp.MockDomainFlags, Id = ioas, MockDomain = { DevFlags = flags } };
        Errno errno = world.Do(IommufdRequest.TestCmd, ref command);
        device = command.MockDomain.OutIdevId;
        return errno;
    }

    private static Errno Hwpt(World world, uint device, uint target, HwptAllocFlags flags = HwptAllocFlags.None, ulong? data = null, uint length = 8, uint fault = 0) =>
        Hwpt(world, device, target, out _, flags, data, length, fault);

    private static Errno Hwpt(
        World world, uint device, uint target, out uint hwpt, HwptAllocFlags flags = HwptAllocFlags.None, ulong? data = null, uint length = 8, uint fault = 0)
    {
        world.Pages.At<ulong>(World.DataOffset) = data ?? 0;
        var command = new HwptAllocCommand
        {
            DevId = device,
            PtId = target,
            Flags = flags,
            FaultId = fault,
            DataType = data is null ? 0 : (uint)HwptDataType.Selftest,
            DataLen = data is null ? 0 : length,
            DataUptr = data is null ? 0 : world.Data,
        };
        Errno errno = world.Do(IommufdRequest.HwptAlloc, ref command);
        hwpt = command.OutHwptId;
        return errno;
    }

    private static Errno Information(World world, uint device, HwInfoFlags flags, uint type, out HwCapabilities capabilities)
    {
        var command = new HwInfoCommand { DevId = device, Flags = flags, DataType = type, DataUptr = world.Data, DataLen = 8 };
        Errno errno = world.Do(IommufdRequest.GetHwInfo, ref command);
        capabilities = command.OutCapabilities;
        return errno;
    }
}
