using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class VfioPowerTests
{
    private const uint Set = VfioDeviceConstants.FeatureSet;

    [Fact]
    public void ADeviceThatSleepsWakesForCallsAndSleepsOn()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);

        Assert.Equal(0, vfio.Feature(file, VfioFeature.LowPowerEntry, Set));
        Assert.Equal(-(long)Errno.Invalid, vfio.Feature(file, VfioFeature.LowPowerEntry, Set));
        Assert.Equal(0x07060504ul, vfio.ReadAt(file, 2, 4, 4));
        Assert.True(device.Power.IsAsleep);
        Assert.Equal(0, vfio.Feature(file, VfioFeature.LowPowerExit, Set));
        Assert.Equal(0, vfio.Feature(file, VfioFeature.LowPowerExit, Set));
        Assert.False(device.Power.IsAsleep);
        Assert.Equal(0, vfio.Feature(file, VfioFeature.LowPowerEntry, Set));
        file.Close();
        Assert.False(device.Power.IsAsleep);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheFirstUseWakesADeviceWhoseDriverWantsToKnow(bool byIoctl)
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        using EventDescriptor woken = EventDescriptor.TryCreate()!;
        var wakeup = new VfioLowPowerWakeup { WakeupEventfd = woken.Number };
        var wrong = new VfioLowPowerWakeup { WakeupEventfd = -1 };

        Assert.Equal(-(long)Errno.Invalid, vfio.Feature(file, VfioFeature.LowPowerEntryWithWakeup, Set, ref wrong));
        Assert.Equal(-(long)Errno.Invalid, vfio.Feature(file, VfioFeature.LowPowerEntryWithWakeup, Set, ref wakeup, argsz: 12));
        wrong.WakeupEventfd = 9999;
        Assert.Equal(-(long)Errno.BadDescriptor, vfio.Feature(file, VfioFeature.LowPowerEntryWithWakeup, Set, ref wrong));
        Assert.Equal(0, vfio.Feature(file, VfioFeature.LowPowerEntryWithWakeup, Set, ref wakeup));
        Assert.False(woken.TryTake());
        var info = new VfioDeviceInfo { ArgSz = 24 };
        if (byIoctl)
        {
            Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.GetInfo, ref info));
        }
        else
        {
            vfio.ReadAt(file, 2, 0, 4);
        }

        Assert.True(woken.TryTake());
        Assert.False(device.Power.IsAsleep);
        vfio.ReadAt(file, 2, 0, 4);
        Assert.False(woken.TryTake());
        file.Close();
    }

    [Fact]
    public void DmaBufsAreRevokedWhileItSleeps()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        long fd = vfio.Export(file, 0, 0, (0, 0x1000));

        Assert.Equal(0, vfio.Feature(file, VfioFeature.LowPowerEntry, Set));
        Assert.Equal(Errno.NoDevice, vfio.MapFile(ioas, fd, 0, 0x1000, 0x10_0000));
        Assert.Equal(0, vfio.Feature(file, VfioFeature.LowPowerExit, Set));
        Assert.Equal(Errno.Success, vfio.MapFile(ioas, fd, 0, 0x1000, 0x10_0000));
        file.Close();
    }
}
