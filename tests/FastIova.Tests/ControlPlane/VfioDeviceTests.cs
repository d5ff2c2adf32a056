using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class VfioDeviceTests
{
    private const uint Trigger = VfioDeviceConstants.SetActionTrigger;

    [Fact]
    public void EverythingButBindIsRefusedBeforeBind()
    {
        using var vfio = new VfioWorld();
        OpenFile file = VfioWorld.Open(vfio.Add());
        var info = new VfioDeviceInfo { ArgSz = 24 };

        Assert.Equal(-(long)Errno.Invalid, vfio.Ioctl(file, VfioDeviceRequest.GetInfo, ref info));
        Assert.Equal(-(long)Errno.Invalid, file.Ioctl(vfio.World.Client, 0x3bff, 0));
        Assert.Equal(-(long)Errno.Invalid, file.ReadAt(vfio.World.Client, vfio.World.Data, 4, VfioRegions.OffsetOf(7)));
        Assert.Equal(-(long)Errno.Invalid, vfio.WriteAt(file, 0, 0, 1, 4));
        Assert.Equal(-(long)Errno.Invalid, file.Map(new MapRequest(0, 4096, 3, 1), out _));
        Assert.True(file.IsReadable && file.IsWritable);
        file.Close();
    }

    [Theory]
    [InlineData(15u, 0u, 0, 0ul, (int)Errno.Invalid)]
    [InlineData(24u, 2u, 0, 0ul, (int)Errno.Invalid)]
    [InlineData(16u, 0u, -1, 0ul, (int)Errno.Invalid)]
    [InlineData(16u, 0u, 9999, 0ul, (int)Errno.BadDescriptor)]
    [InlineData(24u, 1u, 0, 0ul, (int)Errno.BadAddress)]
    [InlineData(24u, 1u, 0, 1ul, (int)Errno.Invalid)]
    [InlineData(16u, 0u, 0, 0ul, 0)]
    public void BindChecksInTheOrderOfLinux(uint argsz, uint flags, int iommufd, ulong token, int expected)
    {
        using var vfio = new VfioWorld();
        OpenFile file = VfioWorld.Open(vfio.Add());
        var bind = new VfioBindIommufd { ArgSz = argsz, Flags = flags, Iommufd = iommufd == 0 ? vfio.Iommufd : iommufd, TokenUuidPtr = token == 0 ? 0 : vfio.World.Data };

        Assert.Equal(-(long)expected, vfio.Ioctl(file, VfioDeviceRequest.BindIommufd, ref bind));
        Assert.Equal(expected == 0 ? 1u : 0, bind.OutDevId);
        file.Close();
    }

    [Fact]
    public void OnlyIommufdsCanBeBoundTo()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = VfioWorld.Open(device);
        int itself = vfio.World.Client.Install(VfioWorld.Open(device));

        Assert.Equal(-(long)Errno.BadDescriptorState, vfio.Bind(file, itself));
        vfio.World.Client.Close(itself);
        file.Close();
    }

    [Fact]
    public void ATokenWasUnknownBefore()
    {
        using var vfio = new VfioWorld(UapiLevel.Linux612);
        OpenFile file = VfioWorld.Open(vfio.Add());
        var bind = new VfioBindIommufd { ArgSz = 16, Flags = 1, Iommufd = vfio.Iommufd };

        Assert.Equal(-(long)Errno.Invalid, vfio.Ioctl(file, VfioDeviceRequest.BindIommufd, ref bind));
        file.Close();
    }

    [Fact]
    public void OneFileBindsADeviceAtATimeAndTheNextOneAfterIt()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile first = vfio.Bound(device);
        OpenFile second = VfioWorld.Open(device);

        Assert.Equal(-(long)Errno.Invalid, vfio.Bind(first));
        Assert.Equal(-(long)Errno.Invalid, vfio.Bind(second));
        Assert.Equal(Errno.Busy, VfioGroupFile.Open(vfio.World.Client, device.Group, out _));
        first.Close();
        Assert.Equal(0, vfio.Bind(second));
        second.Close();
        Assert.Equal(Errno.Success, VfioGroupFile.Open(vfio.World.Client, device.Group, out VfioGroupFile? group));
        group!.Close();
    }

    [Fact]
    public void DevicesOfAGroupHaveOneOwner()
    {
        using var vfio = new VfioWorld();
        OpenFile one = vfio.Bound(vfio.Add("0000:02:01.0", 7));
        OpenFile other = VfioWorld.Open(vfio.Add("0000:02:02.0", 7));
        int elsewhere = vfio.World.Client.Install(vfio.World.Engine.OpenIommufd());

        Assert.Equal(-(long)Errno.NotPermitted, vfio.Bind(other, elsewhere));
        Assert.Equal(0, vfio.Bind(other));
        other.Close();
        one.Close();
        vfio.World.Client.Close(elsewhere);
    }

    [Fact]
    public void AttachmentsAreReplacedAndEndWithTheFile()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        uint second = vfio.World.Ioas();
        var detach = new VfioDetachIommufdPt { ArgSz = 8 };

        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.DetachIommufdPt, ref detach));
        Assert.Equal(-(long)Errno.NotFound, vfio.Attach(file, 99, out _));
        Assert.Equal(-(long)Errno.Invalid, vfio.Attach(file, device.Bound!.Id, out _));
        Assert.Equal(0, vfio.Attach(file, ioas, out uint hwpt));
        Assert.NotEqual(ioas, hwpt);
        Assert.Equal(Errno.Busy, vfio.World.Destroy(ioas));
        Assert.Equal(0, vfio.Attach(file, second, out _));
        Assert.Equal(Errno.Success, vfio.World.Destroy(ioas));
        Assert.Equal(Errno.Busy, vfio.World.Destroy(device.Bound.Id));
        file.Close();
        Assert.Equal(Errno.Success, vfio.World.Destroy(second));
        Assert.Null(device.Bound);
    }

    [Fact]
    public void PasidsAreAttachedByAFlag()
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(vfio.Add(iommu: new DeviceOptions { PasidLog2 = 4 }));
        uint ioas = vfio.World.Ioas();
        var attach = new VfioAttachIommufdPt { ArgSz = 12, Flags = 1, PtId = ioas, Pasid = 3 };

        Assert.Equal(-(long)Errno.Invalid, vfio.Ioctl(file, VfioDeviceRequest.AttachIommufdPt, ref attach));
        var alloc = new HwptAllocCommand { Flags = HwptAllocFlags.Pasid, DevId = 1, PtId = ioas };
        Assert.Equal(Errno.Success, vfio.World.Do(IommufdRequest.HwptAlloc, ref alloc));
        attach = new VfioAttachIommufdPt { ArgSz = 16, Flags = 1, PtId = alloc.OutHwptId, Pasid = 3 };
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.AttachIommufdPt, ref attach));
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.AttachIommufdPt, ref attach));
        Assert.Equal(Errno.Busy, vfio.World.Destroy(alloc.OutHwptId));
        var detach = new VfioDetachIommufdPt { ArgSz = 12, Flags = 1, Pasid = 3 };
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.DetachIommufdPt, ref detach));
        Assert.Equal(Errno.Success, vfio.World.Destroy(alloc.OutHwptId));
        file.Close();
    }

    [Fact]
    public void RegionsAreReadAndWrittenAtTheirOffsets()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        var region = new VfioRegionInfo { ArgSz = 40, Index = 0 };

        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.GetRegionInfo, ref region));
        Assert.Equal((0xfu, 0x4000ul, 32u), (region.Flags, region.Bytes, region.CapOffset));
        region = new VfioRegionInfo { ArgSz = 32, Index = 0 };
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.GetRegionInfo, ref region));
        Assert.Equal((40u, 0u), (region.ArgSz, region.CapOffset));
        Assert.Equal(0x00101b36ul, vfio.ReadAt(file, 7, 0, 4));
        Assert.Equal(0x07060504ul, vfio.ReadAt(file, 2, 4, 4));
        Assert.Equal(4, vfio.WriteAt(file, 2, 8, 0x11223344, 4));
        Assert.Contains("write 2 0x8 44332211", VfioWorld.ModelOf(device).Calls, StringComparer.Ordinal);
        Assert.Equal(ulong.MaxValue, vfio.ReadAt(file, 0, 0x2000, 8));
        Assert.Equal(-(long)Errno.Invalid, vfio.WriteAt(file, 2, 0x100, 0, 4));
        Assert.Equal(-(long)Errno.Invalid, vfio.WriteAt(file, 1, 0, 0, 4));
        Assert.Equal(-(long)Errno.BadAddress, vfio.WriteAt(file, 7, 4096, 0, 4));
        Assert.Equal(2, vfio.WriteAt(file, 7, 4, 0, 2));
        Assert.Equal(-(long)Errno.InputOutput, vfio.WriteAt(file, 2, 8, 0, 4));
        file.Close();
    }

    [Fact]
    public void AMappedBarKeepsTheDeviceOpen()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);

        Assert.Equal(-(long)Errno.Invalid, file.Map(new MapRequest(0, 0x8000, 3, 1), out _));
        Assert.Equal(-(long)Errno.Invalid, file.Map(new MapRequest(0, 0x1000, 3, 2), out _));
        Assert.Equal(-(long)Errno.Invalid, file.Map(new MapRequest(VfioRegions.OffsetOf(2), 0x1000, 3, 1), out _));
        Assert.Equal(0, file.Map(new MapRequest(0x1000, 0x1000, 3, 1), out FileMapping? mapping));
        Assert.Equal((0x1000ul, 0x1000), (mapping!.Offset, mapping.Bytes.Length));
        file.Close();
        Assert.NotNull(device.Bound);
        mapping.Dispose();
        Assert.Null(device.Bound);
        Assert.Equal(["mapped 0 True", "mapped 0 False"], VfioWorld.ModelOf(device).Calls.Where(call => call.StartsWith("mapped", StringComparison.Ordinal)), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(0u, 0x21u, 0u, 0u, Errno.Invalid)] // nothing to disable
    [InlineData(99u, 0x21u, 0u, 0u, Errno.Invalid)]
    [InlineData(1u, 0x21u, 4u, 0u, Errno.Invalid)] // no such vector, also without a count
    [InlineData(1u, 0x21u, 3u, 2u, Errno.Invalid)]
    [InlineData(1u, 0x21u, 1u, uint.MaxValue, Errno.Invalid)]
    [InlineData(1u, 0x23u, 0u, 1u, Errno.Invalid)] // two kinds of data
    [InlineData(1u, 0x61u, 0u, 1u, Errno.Invalid)] // an unknown flag
    [InlineData(1u, 0x09u, 0u, 1u, Errno.NotATypewriter)] // messages have no mask
    [InlineData(1u, 0x01u, 0u, 1u, Errno.NotATypewriter)]
    [InlineData(0u, 0x31u, 0u, 1u, Errno.NotATypewriter)]
    [InlineData(0u, 0x09u, 0u, 1u, Errno.Invalid)] // the pin is not enabled
    [InlineData(4u, 0x21u, 0u, 1u, Errno.Invalid)] // no eventfd for requests
    public void SetIrqsRefuses(uint index, uint flags, uint start, uint count, Enum expected)
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(vfio.Add());

        Assert.Equal(-Convert.ToInt64(expected, System.Globalization.CultureInfo.InvariantCulture), vfio.SetIrqs(file, (VfioIrq)index, flags, start, count));
        file.Close();
    }

    [Theory]
    [InlineData((uint)VfioIrq.Msi)]
    [InlineData((uint)VfioIrq.Msix)]
    public void MessagesSignalTheirEventfds(uint index)
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        using EventDescriptor first = EventDescriptor.TryCreate()!;
        using EventDescriptor second = EventDescriptor.TryCreate()!;
        var kind = (VfioIrq)index;

        Assert.Equal(0, vfio.SetIrqs(file, kind, VfioDeviceConstants.SetDataEventfd | Trigger, 0, 2, first.Number, second.Number));
        Assert.Equal(-(long)Errno.Invalid, vfio.SetIrqs(file, VfioIrq.Intx, VfioDeviceConstants.SetDataEventfd | Trigger, 0, 1, first.Number));
        VfioWorld.ModelOf(device).Host!.RaiseMsi(1);
        Assert.False(first.TryTake());
        Assert.True(second.TryTake());
        Assert.Equal(0, vfio.SetIrqs(file, kind, VfioDeviceConstants.SetDataBool | Trigger, 0, 2, 1, 0));
        Assert.True(first.TryTake());
        Assert.False(second.TryTake());
        Assert.Equal(0, vfio.SetIrqs(file, kind, VfioDeviceConstants.SetDataEventfd | Trigger, 1, 1, -1));
        VfioWorld.ModelOf(device).Host!.RaiseMsi(1);
        Assert.False(second.TryTake());
        Assert.Equal(kind == VfioIrq.Msi ? -(long)Errno.Invalid : 0, vfio.SetIrqs(file, kind, VfioDeviceConstants.SetDataEventfd | Trigger, 2, 1, second.Number));
        uint reset = 0;
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.Reset, ref reset));
        VfioWorld.ModelOf(device).Host!.RaiseMsi(0);
        Assert.True(first.TryTake());
        Assert.Equal(0, vfio.SetIrqs(file, kind, VfioDeviceConstants.SetDataNone | Trigger, 0, 0));
        VfioWorld.ModelOf(device).Host!.RaiseMsi(0);
        Assert.False(first.TryTake());
        file.Close();
    }

    [Fact]
    public void ThePinIsMaskedWhenItHasBeenSignalled()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        PciDeviceHost host = VfioWorld.ModelOf(device).Host!;
        using EventDescriptor pin = EventDescriptor.TryCreate()!;

        Assert.Equal(0, vfio.SetIrqs(file, VfioIrq.Intx, VfioDeviceConstants.SetDataEventfd | Trigger, 0, 1, pin.Number));
        host.SetIntx(true);
        Assert.True(pin.TryTake());
        host.SetIntx(false);
        host.SetIntx(true);
        Assert.False(pin.TryTake());
        Assert.Equal(0, vfio.SetIrqs(file, VfioIrq.Intx, VfioDeviceConstants.SetDataNone | VfioDeviceConstants.SetActionUnmask, 0, 1));
        Assert.True(pin.TryTake());
        host.SetIntx(false);
        using EventDescriptor unmask = EventDescriptor.TryCreate()!;
        Assert.Equal(0, vfio.SetIrqs(file, VfioIrq.Intx, VfioDeviceConstants.SetDataEventfd | VfioDeviceConstants.SetActionUnmask, 0, 1, unmask.Number));
        unmask.Signal();
        host.SetIntx(true);
        Assert.True(SpinWait.SpinUntil(pin.TryTake, TimeSpan.FromSeconds(10)));
        file.Close();
        Assert.False(pin.TryTake());
    }

    [Fact]
    public void OnlyEventfdsAreSignalled()
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(vfio.Add());

        Assert.Equal(-(long)Errno.Invalid, vfio.SetIrqs(file, VfioIrq.Msi, VfioDeviceConstants.SetDataEventfd | Trigger, 0, 1, vfio.Iommufd));
        Assert.Equal(-(long)Errno.BadDescriptor, vfio.SetIrqs(file, VfioIrq.Msi, VfioDeviceConstants.SetDataEventfd | Trigger, 0, 1, 9999));
        Assert.Equal(-(long)Errno.Invalid, vfio.SetIrqs(file, VfioIrq.Msi, VfioDeviceConstants.SetDataNone | Trigger, 0, 0));
        file.Close();
    }

    [Fact]
    public void AResetKeepsWhatTheDriverHasSet()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        uint reset = 0;

        Assert.Equal(2, vfio.WriteAt(file, 7, 4, 6, 2));
        ulong bar = vfio.ReadAt(file, 7, 0x10, 8);
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.Reset, ref reset));
        Assert.Equal(6ul, vfio.ReadAt(file, 7, 4, 2));
        Assert.Equal(bar, vfio.ReadAt(file, 7, 0x10, 8));
        Assert.True(device.Function.IsBusMaster);
        file.Close();
        Assert.False(device.Function.IsBusMaster);
    }

    [Fact]
    public void FeaturesAreProbed()
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(vfio.Add());
        long Feature(uint flags)
        {
            var feature = new VfioDeviceFeature { ArgSz = 128, Flags = flags };
            return vfio.Ioctl(file, VfioDeviceRequest.Feature, ref feature);
        }

        Assert.Equal(0, Feature(3 | VfioDeviceConstants.FeatureProbe));
        Assert.Equal(-(long)Errno.Invalid, Feature(3 | VfioDeviceConstants.FeatureProbe | VfioDeviceConstants.FeatureGet));
        Assert.Equal(-(long)Errno.Invalid, Feature(3));
        Assert.Equal(-(long)Errno.Invalid, Feature(3 | 0x80000));
        Assert.Equal(-(long)Errno.Invalid, Feature(3 | VfioDeviceConstants.FeatureGet | VfioDeviceConstants.FeatureSet));
        Assert.Equal(0, Feature(3 | VfioDeviceConstants.FeatureSet));
        Assert.Equal(-(long)Errno.Invalid, Feature(3 | VfioDeviceConstants.FeatureSet));
        Assert.Equal(0, Feature(5 | VfioDeviceConstants.FeatureSet));
        Assert.Equal(0, Feature(11 | VfioDeviceConstants.FeatureProbe | VfioDeviceConstants.FeatureGet));
        Assert.Equal(-(long)Errno.NotATypewriter, Feature(0 | VfioDeviceConstants.FeatureProbe));
        Assert.Equal(-(long)Errno.NotATypewriter, Feature(1 | VfioDeviceConstants.FeatureProbe));
        file.Close();
    }

    [Fact]
    public void WrongDmaIsReportedAndLeavesMemoryAlone()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        DmaPort port = VfioWorld.ModelOf(device).Host!.Port;
        byte[] data = [1, 2, 3, 4];

        Assert.Equal(0, vfio.Attach(file, ioas, out _));
        Assert.Equal(Errno.Success, vfio.World.Map(ioas, 0x10000, flags: IoasMapFlags.Readable));
        Assert.False(port.Write(0x10000, data, out Fault fault));
        VfioWorld.ModelOf(device).Host!.ReportFault(fault);
        Assert.Equal(FaultReason.PermissionDenied, Assert.Single(vfio.Faults).Reason);
        Assert.Equal(device.Address.RequesterId, fault.Device);
        Assert.Equal(1, device.Faults);
        Assert.False(port.Write(0x20000, data, out fault));
        Assert.Equal(FaultReason.NotMapped, fault.Reason);
        Assert.False(vfio.World.Pages.Bytes[World.BufferOffset..].ContainsAnyExcept((byte)0));
        file.Close();
        Assert.False(port.Read(0x10000, data, out fault));
        Assert.Equal(FaultReason.NotAttached, fault.Reason);
    }
}
