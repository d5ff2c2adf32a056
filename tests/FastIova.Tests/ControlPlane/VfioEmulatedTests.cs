using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Devices that no IOMMU stands before: by their own files and in groups.</summary>
public sealed class VfioEmulatedTests
{
    private const ulong Iova = 0x10_0000;

    [Fact]
    public void ItIsAttachedToAnIoasAndNothingElse()
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(Add(vfio));
        OpenFile physical = vfio.Bound(vfio.Add("0000:02:00.0"));
        uint ioas = vfio.World.Ioas();
        Assert.Equal(0, vfio.Attach(physical, ioas, out uint hwpt));
        var detach = new VfioDetachIommufdPt { ArgSz = 8 };

        Assert.Equal(-(long)Errno.NotFound, vfio.Attach(file, hwpt, out _));
        Assert.Equal(-(long)Errno.NotFound, vfio.Attach(file, 99, out _));
        Assert.Equal(0, vfio.Attach(file, ioas, out uint same));
        Assert.Equal(ioas, same);
        var attach = new VfioAttachIommufdPt { ArgSz = 16, Flags = 1, PtId = ioas, Pasid = 1 };
        Assert.Equal(-(long)Errno.NotSupported, vfio.Ioctl(file, VfioDeviceRequest.AttachIommufdPt, ref attach));
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.DetachIommufdPt, ref detach));
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.DetachIommufdPt, ref detach));
        physical.Close();
        Assert.Equal(Errno.Success, vfio.World.Destroy(ioas));
        file.Close();
    }

    [Fact]
    public void WhatBelongsToABusIsUnknown()
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(Add(vfio));
        var info = new VfioHotResetInfo { ArgSz = 12 };
        var reset = new VfioHotReset { ArgSz = 12 };
        var bell = new VfioIoEventfd { ArgSz = 32 };

        Assert.Equal(-(long)Errno.NotATypewriter, vfio.Ioctl(file, VfioDeviceRequest.GetPciHotResetInfo, ref info));
        Assert.Equal(-(long)Errno.NotATypewriter, vfio.Ioctl(file, VfioDeviceRequest.PciHotReset, ref reset));
        Assert.Equal(-(long)Errno.NotATypewriter, vfio.Ioctl(file, VfioDeviceRequest.IoEventfd, ref bell));
        Assert.Equal(-(long)Errno.NotATypewriter, vfio.Feature(file, VfioFeature.DmaBuf, VfioDeviceConstants.FeatureProbe));
        Assert.Equal(-(long)Errno.NotATypewriter, vfio.Feature(file, VfioFeature.LowPowerEntry, VfioDeviceConstants.FeatureProbe));
        Assert.Throws<ArgumentException>(() => vfio.Add(new RegisterModel(VfioWorld.Layout()), VfioWorld.At("0000:04:00.0") with { IsEmulated = true }, group: 0));
        Assert.Throws<ArgumentException>(() => vfio.Add(new RegisterModel(VfioWorld.Layout()), VfioWorld.At("0000:04:00.0") with { IsEmulated = true, LogsWrites = true }));
        file.Close();
    }

    [Fact]
    public void ItCopiesThroughPinsThatAnUnmapTakesBack()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = Add(vfio);
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        Assert.Equal(Errno.Success, vfio.World.Map(ioas, Iova, 0x4000));
        Assert.Equal(Errno.Success, vfio.World.Map(ioas, Iova + 0x4000, 0x1000, IoasMapFlags.Readable));
        PciDeviceHost host = VfioWorld.ModelOf(device).Host!;
        byte[] data = [1, 2, 3, 4];

        Assert.True(host.IsEmulated);
        Assert.False(host.ReadMemory(Iova, data, out Fault fault));
        Assert.Equal(FaultReason.NotMapped, fault.Reason);
        Assert.Equal(0, vfio.Attach(file, ioas, out _));
        Assert.True(host.WriteMemory(Iova + 0x1ffe, data, out _));
        Assert.Equal(data, vfio.World.Pages.Bytes.Slice(World.BufferOffset + 0x1ffe, 4).ToArray());
        Assert.True(host.ReadMemory(Iova + 0x1ffe, data, out _));
        Assert.Equal(2, device.Emulated!.PinnedPages);
        Assert.False(host.WriteMemory(Iova + 0x3ffe, data, out fault));
        Assert.Equal((FaultReason.PermissionDenied, Iova + 0x4000, device.Address.RequesterId), (fault.Reason, fault.Iova, fault.Device));
        Assert.Equal(FaultReason.None, host.ExplainMemory(Iova + 0x4000, Permission.Read).Reason);
        Assert.False(host.ReadMemory(ulong.MaxValue - 1, data, out _));
        Assert.Equal(4, device.Emulated.PinnedPages);

        // The port leads nowhere.
        Assert.False(host.Port.Read(Iova, data, out fault));
        Assert.Equal(FaultReason.NotAttached, fault.Reason);
        Assert.Equal(Errno.Success, vfio.World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Iova = Iova, Length = 0x4000 }));
        Assert.Equal(1, device.Emulated.PinnedPages);
        Assert.False(host.ReadMemory(Iova, data, out _));
        uint reset = 0;
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.Reset, ref reset));
        Assert.Equal(0, device.Emulated.PinnedPages);
        file.Close();
        Assert.Equal(0UL, vfio.World.Held<IoasObject>(ioas).Space.PinnedPages);
    }

    [Fact]
    public void MovingItGivesBackWhatIsPinned()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = Add(vfio);
        OpenFile file = vfio.Bound(device);
        uint first = vfio.World.Ioas();
        uint second = vfio.World.Ioas();
        Assert.Equal(Errno.Success, vfio.World.Map(first, Iova));
        Assert.Equal(Errno.Success, vfio.World.Map(second, Iova, at: vfio.World.Buffer + 0x1000));
        PciDeviceHost host = VfioWorld.ModelOf(device).Host!;
        Assert.Equal(0, vfio.Attach(file, first, out _));
        Assert.True(host.WriteMemory(Iova, [1], out _));
        Assert.Equal(-(long)Errno.NotFound, vfio.Attach(file, 99, out _));
        Assert.Equal(1, device.Emulated!.PinnedPages);

        Assert.Equal(0, vfio.Attach(file, second, out _));
        Assert.Equal(0, device.Emulated.PinnedPages);
        Assert.Equal(Errno.Success, vfio.World.Destroy(first));
        Assert.True(host.WriteMemory(Iova, [2], out _));
        Assert.Equal<byte>([1, 2], [vfio.World.Pages.Bytes[World.BufferOffset], vfio.World.Pages.Bytes[World.BufferOffset + 0x1000]]);
        file.Close();
        Assert.Equal(0, device.Emulated.PinnedPages);
        Assert.Null(device.Bound);
        Assert.Equal(Errno.Success, vfio.World.Destroy(second));
    }

    [Fact]
    public void InAGroupItUsesTheIoasOfTheContainer()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = Add(vfio);
        Assert.Equal(Errno.Success, VfioGroupFile.Open(device.Group, out VfioGroupFile? group));
        vfio.World.Pages.At<int>(World.DataOffset) = vfio.Iommufd;
        Assert.Equal(0, group!.Ioctl(vfio.World.Client, (uint)VfioRequest.GroupSetContainer, vfio.World.Data));
        "0000:01:00.0\0"u8.CopyTo(vfio.World.Pages.Bytes[World.DataOffset..]);
        long fd = group.Ioctl(vfio.World.Client, (uint)VfioRequest.GroupGetDeviceFd, vfio.World.Data);
        Assert.True(fd >= 0);
        var map = new VfioDmaMap { ArgSz = 32, Flags = 3, Vaddr = vfio.World.Buffer, Iova = Iova, Bytes = 0x1000 };
        MemoryMarshal.Write(vfio.World.Pages.Bytes, map);
        Assert.Equal(0, vfio.World.Context.Ioctl(vfio.World.Client, (uint)VfioRequest.IommuMapDma, vfio.World.Pages.Address));

        Assert.True(VfioWorld.ModelOf(device).Host!.WriteMemory(Iova, [7], out _));
        Assert.Equal(7, vfio.World.Pages.Bytes[World.BufferOffset]);
        vfio.World.Client.Close((int)fd);
        Assert.Null(device.Bound);
        group.Close();
    }

    [Fact]
    public void AnEduDeviceNeedNotKnow()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add(new EduModel(), VfioWorld.At() with { IsEmulated = true });
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        Assert.Equal(Errno.Success, vfio.World.Map(ioas, Iova, 0x2000));
        Assert.Equal(0, vfio.Attach(file, ioas, out _));
        Assert.Equal(2, vfio.WriteAt(file, 7, 4, 6, 2));
        "emulated"u8.CopyTo(vfio.World.Pages.Bytes[World.BufferOffset..]);

        Assert.True(Transfer(vfio, file, Iova, 0x40000, 1));
        Assert.True(Transfer(vfio, file, 0x40000, Iova + 0x1000, 3));
        Assert.True(vfio.World.Pages.Bytes.Slice(World.BufferOffset + 0x1000, 8).SequenceEqual("emulated"u8));
        Assert.True(Transfer(vfio, file, 0x40000, Iova + 0x1ffc, 3)); // not a byte of what goes beyond the end
        Assert.Equal(0, vfio.World.Pages.Bytes[World.BufferOffset + 0x1ffc]);
        Assert.Equal(1, device.Faults);
        file.Close();
    }

    [Fact]
    public void AnUnmapWaitsForADeviceThatNeverStops()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = Add(vfio);
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        Assert.Equal(0, vfio.Attach(file, ioas, out _));
        PciDeviceHost host = VfioWorld.ModelOf(device).Host!;
        bool isOver = false;
        long written = 0;
        var busy = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                if (host.WriteMemory(Iova, [1, 2, 3, 4, 5, 6, 7, 8], out _))
                {
                    Interlocked.Increment(ref written);
                }
            }
        });
        busy.Start();
        for (int cycle = 0; cycle < 50; cycle++)
        {
            Assert.Equal(Errno.Success, vfio.World.Map(ioas, Iova));
            long seen = Interlocked.Read(ref written);
            Assert.True(SpinWait.SpinUntil(() => Interlocked.Read(ref written) != seen, TimeSpan.FromSeconds(20)));
            Assert.Equal(Errno.Success, vfio.World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Iova = Iova, Length = 0x1000 }));

            // Nothing that the device does reaches the memory any more.
            vfio.World.Pages.Bytes.Slice(World.BufferOffset, 8).Clear();
            seen = Interlocked.Read(ref written);
            Assert.False(vfio.World.Pages.Bytes.Slice(World.BufferOffset, 8).ContainsAnyExcept((byte)0));
        }

        Volatile.Write(ref isOver, true);
        busy.Join();
        file.Close();
    }

    private static bool Transfer(VfioWorld vfio, OpenFile file, ulong from, ulong to, ulong command)
    {
        vfio.WriteAt(file, 0, 0x80, from, 8);
        vfio.WriteAt(file, 0, 0x88, to, 8);
        vfio.WriteAt(file, 0, 0x90, 8, 8);
        vfio.WriteAt(file, 0, 0x98, command, 8);
        return SpinWait.SpinUntil(() => (vfio.ReadAt(file, 0, 0x98, 8) & 1) == 0, TimeSpan.FromSeconds(20));
    }

    private static VfioDevice Add(VfioWorld vfio) => vfio.Add(new RegisterModel(VfioWorld.Layout()), VfioWorld.At() with { IsEmulated = true });
}
