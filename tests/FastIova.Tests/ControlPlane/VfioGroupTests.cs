using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Groups: who may open what beside whom, and who may reset a bus.</summary>
public sealed class VfioGroupTests
{
    private const string First = "0000:05:00.0";
    private const string Second = "0000:05:01.0";

    [Theory]
    [InlineData(true, true)] // group and group
    [InlineData(true, false)] // group and the file of a device
    [InlineData(false, true)] // the file of a device and group
    [InlineData(false, false)] // two files of one device
    public void OneOwnerAtATime(bool firstIsGroup, bool secondIsGroup)
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add(First, 5);
        vfio.Add(Second, 5);
        OpenFile first = Open(vfio, device, firstIsGroup, out long opened);
        Assert.Equal(0, opened);

        OpenFile second = Open(vfio, device, secondIsGroup, out long refused);
        Assert.Equal((firstIsGroup, secondIsGroup) == (false, false) ? -(long)Errno.Invalid : -(long)Errno.Busy, refused);
        second.Close();
        first.Close();
        second = Open(vfio, device, secondIsGroup, out opened);
        Assert.Equal(0, opened);
        second.Close();
    }

    [Fact]
    public void AFileOfAGroupBindsNothingAndOutlivesTheGroup()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add(First, 5);
        Assert.Equal(Errno.Success, VfioGroupFile.Open(device.Group, out VfioGroupFile? group));
        int fd = (int)vfio.DeviceOf(group!, First);
        OpenFile file = vfio.World.Client.File((uint)fd);

        Assert.Equal(-(long)Errno.Invalid, vfio.Bind(file));
        var attach = new VfioAttachIommufdPt { ArgSz = 16, PtId = 1 };
        Assert.Equal(-(long)Errno.NotATypewriter, vfio.Ioctl(file, VfioDeviceRequest.AttachIommufdPt, ref attach));
        int again = (int)vfio.DeviceOf(group!, First);
        vfio.World.Client.Close(fd);
        Assert.NotNull(device.Bound);
        Assert.Equal(-(long)Errno.NoDevice, vfio.DeviceOf(group!, Second));
        group!.Close();
        Assert.NotNull(device.Bound);
        vfio.World.Client.Close(again);
        Assert.Null(device.Bound);
    }

    [Fact]
    public void ByIdsABusIsResetWhenEverySiblingIsTheCallersOrNobodys()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add(First, 5);
        VfioDevice sibling = vfio.Add(Second, 5);
        OpenFile file = vfio.Bound(device);

        // The sibling is not open, but its group is the caller's.
        (long result, uint flags, uint[] ids) = Info(vfio, file, 2);
        Assert.Equal((0L, 3u), (result, flags));
        Assert.Equal([device.Bound!.Id, VfioDeviceConstants.DevIdOwned], ids);
        Assert.Equal(-(long)Errno.NoSpace, Info(vfio, file, 1).Result);
        VfioWorld.ModelOf(sibling).Calls.Clear();
        Assert.Equal(0, Reset(vfio, file));
        Assert.Contains("reset", VfioWorld.ModelOf(sibling).Calls, StringComparer.Ordinal);

        OpenFile other = vfio.Bound(sibling);
        Assert.Equal([device.Bound.Id, sibling.Bound!.Id], Info(vfio, file, 2).Ids);
        Assert.Equal(0, Reset(vfio, other));
        Assert.Equal(-(long)Errno.Invalid, Reset(vfio, file, vfio.Iommufd)); // groups are not asked for here
        other.Close();
        file.Close();
    }

    [Fact]
    public void GroupsShowThemselves()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add(First, 5);
        vfio.Add(Second, 5);
        VfioDevice elsewhere = vfio.Add("0000:06:00.0", 6);
        Assert.Equal(Errno.Success, VfioGroupFile.Open(device.Group, out VfioGroupFile? group));
        Assert.Equal(Errno.Success, VfioGroupFile.Open(elsewhere.Group, out VfioGroupFile? strange));
        int shown = vfio.World.Client.Install(group!);
        int wrong = vfio.World.Client.Install(strange!);
        int fd = (int)vfio.DeviceOf(group!, First);
        OpenFile file = vfio.World.Client.File((uint)fd);

        (long result, uint flags, uint[] ids) = Info(vfio, file, 2);
        Assert.Equal((0L, 0u), (result, flags));
        Assert.Equal([5u, 5u], ids);
        Assert.Equal(-(long)Errno.Invalid, Reset(vfio, file)); // no group at all
        Assert.Equal(-(long)Errno.Invalid, Reset(vfio, file, wrong));
        Assert.Equal(-(long)Errno.BadDescriptor, Reset(vfio, file, 9999));
        Assert.Equal(-(long)Errno.Invalid, Reset(vfio, file, vfio.Iommufd));
        Assert.Equal(-(long)Errno.Invalid, Reset(vfio, file, shown, shown, shown)); // more than there are devices
        Assert.Equal(0, Reset(vfio, file, shown));
        vfio.World.Client.Close(fd);
        vfio.World.Client.Close(shown);
        vfio.World.Client.Close(wrong);
    }

    [Theory]
    [InlineData(0, true, -(long)Errno.NoDevice)] // VfioResetKind.Function
    [InlineData(1, true, 0L)] // Bus
    [InlineData(2, false, -(long)Errno.NoDevice)] // None
    public void AnAloneDeviceIsResetAsItWasMade(int kind, bool canReset, long bus)
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(vfio.Add(new RegisterModel(VfioWorld.Layout()), VfioWorld.At() with { Reset = (VfioResetKind)kind }));
        uint nothing = 0;
        var info = new VfioDeviceInfo { ArgSz = 24 };

        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.GetInfo, ref info));
        Assert.Equal(canReset, (info.Flags & VfioDeviceConstants.DeviceReset) != 0);
        Assert.Equal(canReset ? 0 : -(long)Errno.Invalid, vfio.Ioctl(file, VfioDeviceRequest.Reset, ref nothing));
        Assert.Equal(bus, Reset(vfio, file));
        file.Close();
    }

    [Fact]
    public void ABusResetTakesDmaBufsAndMigrationsOfEveryDevice()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add(First, 5);
        VfioDevice sibling = vfio.Add(new TestDevModel(), VfioWorld.At(Second) with { Migrates = true }, 5);
        OpenFile file = vfio.Bound(device);
        OpenFile other = vfio.Bound(sibling);
        uint ioas = vfio.World.Ioas();
        Assert.Equal(0, vfio.Attach(file, ioas, out _));
        long fd = vfio.Export(other, 0, 0, (0, 0x1000));
        Assert.Equal(Errno.Success, vfio.MapFile(ioas, fd, 0, 0x1000, 0x10_0000));
        DmaPort port = VfioWorld.ModelOf(device).Host!.Port;
        Assert.True(port.Write(0x10_0800, [1], out _));
        var change = new VfioMigrationChange { DeviceState = (uint)VfioMigrationState.Stop };
        Assert.Equal(0, vfio.Feature(other, VfioFeature.MigrationState, VfioDeviceConstants.FeatureSet, ref change));

        Assert.Equal(0, Reset(vfio, file));
        Assert.False(port.Write(0x10_0800, [1], out _));
        Assert.Equal(VfioMigrationState.Running, sibling.Migration!.State);
        other.Close();
        file.Close();
    }

    private static OpenFile Open(VfioWorld vfio, VfioDevice device, bool isGroup, out long result)
    {
        if (isGroup)
        {
            Errno errno = VfioGroupFile.Open(device.Group, out VfioGroupFile? group);
            result = -(long)errno;
            return (OpenFile?)group ?? VfioWorld.Open(device);
        }

        OpenFile file = VfioWorld.Open(device);
        result = vfio.Bind(file);
        return file;
    }

    private static (long Result, uint Flags, uint[] Ids) Info(VfioWorld vfio, OpenFile file, int room)
    {
        Span<byte> there = vfio.World.Pages.Bytes;
        there[..256].Clear();
        MemoryMarshal.Write(there, new VfioHotResetInfo { ArgSz = (uint)(12 + (room * 8)) });
        long result = file.Ioctl(vfio.World.Client, (uint)VfioDeviceRequest.GetPciHotResetInfo, vfio.World.Pages.Address);
        VfioHotResetInfo info = MemoryMarshal.Read<VfioHotResetInfo>(there);
        uint[] ids = new uint[room];
        for (int i = 0; i < room; i++)
        {
            ids[i] = MemoryMarshal.Read<VfioDependentDevice>(there[(12 + (i * 8))..]).Id;
        }

        return (result, info.Flags, ids);
    }

    private static long Reset(VfioWorld vfio, OpenFile file, params int[] groups)
    {
        Span<byte> there = vfio.World.Pages.Bytes;
        MemoryMarshal.Write(there, new VfioHotReset { ArgSz = (uint)(12 + (groups.Length * 4)), Count = (uint)groups.Length });
        MemoryMarshal.AsBytes<int>(groups).CopyTo(there[12..]);
        return file.Ioctl(vfio.World.Client, (uint)VfioDeviceRequest.PciHotReset, vfio.World.Pages.Address);
    }
}
