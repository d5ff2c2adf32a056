using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class VfioDmaBufTests
{
    private const ulong Iova = 0x10_0000;

    [Theory]
    [InlineData(0u, 0u, 0ul, 0x5000ul, Errno.Invalid)] // beyond the BAR
    [InlineData(0u, 0u, 0x4000ul, 0x1000ul, Errno.Invalid)]
    [InlineData(0u, 0u, 1ul, 0x1000ul, Errno.Invalid)]
    [InlineData(0u, 0u, 0ul, 100ul, Errno.Invalid)]
    [InlineData(0u, 0u, 0ul, 0ul, Errno.Invalid)]
    [InlineData(0u, 1u, 0ul, 0x1000ul, Errno.Invalid)]
    [InlineData(0u, 0u, 0x8000_0000_0000_0000ul, 0x1000ul, Errno.Invalid)]
    [InlineData(0u, 0u, 0xffff_ffff_ffff_f000ul, 0x1000ul, Errno.Overflow)]
    [InlineData(0u, 0u, 0ul, 0x8000_0000_0000_0000ul, Errno.Invalid)]
    [InlineData(1u, 0u, 0ul, 0x1000ul, Errno.NoDevice)] // no such BAR
    [InlineData(2u, 0u, 0ul, 0x1000ul, Errno.Invalid)] // registers that nobody can map
    [InlineData(6u, 0u, 0ul, 0x1000ul, Errno.NoDevice)]
    [InlineData(7u, 0u, 0ul, 0x1000ul, Errno.NoDevice)]
    [InlineData(99u, 0u, 0ul, 0x1000ul, Errno.NoDevice)]
    public void ExportsAreChecked(uint region, uint flags, ulong offset, ulong length, Enum expected)
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(vfio.Add());

        Assert.Equal(-(long)(Errno)expected, vfio.Export(file, region, flags, (offset, length)));
        Assert.Equal(-(long)Errno.Invalid, vfio.Export(file, 0, 0));
        Assert.Equal(-(long)Errno.Invalid, vfio.Export(file, 0, 0, (0, ulong.MaxValue & ~0xffful), (0, 0x2000)));
        file.Close();
    }

    [Fact]
    public void AnotherDeviceReachesTheBarUntilItIsResetOrClosed()
    {
        using var vfio = new VfioWorld();
        VfioDevice owner = vfio.Add("0000:01:00.0");
        VfioDevice other = vfio.Add("0000:02:00.0");
        OpenFile file = vfio.Bound(owner);
        OpenFile peer = vfio.Bound(other);
        uint ioas = vfio.World.Ioas();
        Assert.Equal(0, vfio.Attach(peer, ioas, out _));
        DmaPort port = VfioWorld.ModelOf(other).Host!.Port;
        byte[] data = [1, 2, 3, 4];

        long fd = vfio.Export(file, 0, 0, (0x1000, 0x3000));
        Assert.True(fd > 0);
        Assert.Contains("mapped 0 True", VfioWorld.ModelOf(owner).Calls, StringComparer.Ordinal);
        Assert.Equal(Errno.Success, vfio.MapFile(ioas, fd, 0x1000, 0x2000, Iova));
        Assert.True(port.Write(Iova + 8, data, out _));
        Assert.Equal(data, VfioWorld.ModelOf(owner).Host!.BarMemory(0).Slice(0x2008, 4).ToArray());

        uint reset = 0;
        Assert.Equal(0, vfio.Ioctl(file, VfioDeviceRequest.Reset, ref reset));
        Assert.False(port.Write(Iova + 8, data, out _));
        Assert.Equal(Errno.Success, vfio.MapFile(ioas, fd, 0, 0x1000, Iova + 0x10000));
        Assert.True(port.Write(Iova + 0x10000, data, out _));

        file.Close();
        Assert.False(port.Write(Iova + 0x10000, data, out _));
        Assert.Equal(Errno.NoDevice, vfio.MapFile(ioas, fd, 0, 0x1000, Iova + 0x20000));
        Assert.Contains("mapped 0 False", VfioWorld.ModelOf(owner).Calls, StringComparer.Ordinal);

        // Whoever opens the device next has nothing to do with it.
        OpenFile next = vfio.Bound(owner);
        Assert.Equal(Errno.NoDevice, vfio.MapFile(ioas, fd, 0, 0x1000, Iova + 0x20000));
        next.Close();
        peer.Close();
    }

    [Theory]
    [InlineData(4ul, 0ul, 6ul, 2)] // the command register: memory disabled, and enabled again
    [InlineData(0ul, 3ul, 0ul, 2)] // the power state, wherever the capability is: D3 and D0
    public void ItIsRevokedWhileTheMemoryIsDisabled(ulong register, ulong off, ulong on, int bytes)
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        Assert.Equal(0, vfio.Attach(file, ioas, out _));
        ulong place = register != 0 ? register : PowerControl(vfio, file);
        long fd = vfio.Export(file, 0, 0, (0, 0x1000));
        Assert.Equal(Errno.Success, vfio.MapFile(ioas, fd, 0, 0x1000, Iova));
        DmaPort port = VfioWorld.ModelOf(device).Host!.Port;
        Assert.True(port.Write(Iova, [1], out _));

        Assert.Equal(bytes, vfio.WriteAt(file, 7, place, off, bytes));
        Assert.False(port.Write(Iova, [1], out _));
        Assert.Equal(Errno.NoDevice, vfio.MapFile(ioas, fd, 0, 0x1000, Iova + 0x10000));
        long late = vfio.Export(file, 0, 0, (0, 0x1000));
        Assert.Equal(Errno.NoDevice, vfio.MapFile(ioas, late, 0, 0x1000, Iova + 0x10000));
        Assert.Equal(bytes, vfio.WriteAt(file, 7, place, on, bytes));
        Assert.False(port.Write(Iova, [1], out _));
        Assert.Equal(Errno.Success, vfio.MapFile(ioas, fd, 0, 0x1000, Iova + 0x10000));
        Assert.Equal(Errno.Success, vfio.MapFile(ioas, late, 0, 0x1000, Iova + 0x20000));
        Assert.True(port.Write(Iova + 0x10000, [1], out _));
        file.Close();
    }

    [Fact]
    public void OnlyOneRangeCanBeMapped()
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(vfio.Add());
        uint ioas = vfio.World.Ioas();
        long fd = vfio.Export(file, 0, 0, (0, 0x1000), (0x2000, 0x1000));

        Assert.True(fd > 0);
        Assert.Equal(Errno.Invalid, vfio.MapFile(ioas, fd, 0, 0x3000, Iova));
        Assert.Equal(Errno.NotSupported, vfio.MapFile(ioas, fd, 0, 0x1000, Iova));
        vfio.World.Client.Close((int)fd);
        file.Close();
    }

    [Fact]
    public void AClosedDescriptorEndsTheInterestOfTheModel()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        uint ioas = vfio.World.Ioas();
        long fd = vfio.Export(file, 0, 0, (0, 0x1000));
        Assert.Equal(Errno.Success, vfio.MapFile(ioas, fd, 0, 0x1000, Iova));
        vfio.World.Client.Close((int)fd);

        Assert.DoesNotContain("mapped 0 False", VfioWorld.ModelOf(device).Calls, StringComparer.Ordinal);
        Assert.Equal(Errno.Success, vfio.World.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Iova = Iova, Length = 0x1000 }));
        Assert.Contains("mapped 0 False", VfioWorld.ModelOf(device).Calls, StringComparer.Ordinal);
        file.Close();
    }

    private static ulong PowerControl(VfioWorld vfio, OpenFile file)
    {
        const ulong PowerManagement = 1;
        ulong at = vfio.ReadAt(file, 7, 0x34, 1);
        while (vfio.ReadAt(file, 7, at, 1) != PowerManagement)
        {
            at = vfio.ReadAt(file, 7, at + 1, 1);
        }

        return at + 4;
    }
}
