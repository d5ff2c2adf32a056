using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class VfioIoEventfdTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(0u, 2u, 0ul, 0, Errno.Invalid)] // no width
    [InlineData(3u, 2u, 0ul, 0, Errno.Invalid)] // two of them
    [InlineData(0x10u, 2u, 0ul, 0, Errno.Invalid)]
    [InlineData(4u, 2u, 0ul, -2, Errno.Invalid)]
    [InlineData(4u, 7u, 0ul, 0, Errno.Invalid)] // no BAR
    [InlineData(4u, 1u, 0ul, 0, Errno.Invalid)]
    [InlineData(4u, 2u, 0xfdul, 0, Errno.Invalid)] // beyond the end
    [InlineData(4u, 0u, 0x2010ul, 0, Errno.Invalid)] // the table of MSI-X
    [InlineData(8u, 0u, 0x1ffcul, 0, Errno.Invalid)]
    [InlineData(4u, 2u, 0ul, -1, Errno.NoDevice)] // nothing to remove
    [InlineData(4u, 2u, 0ul, 9999, Errno.BadDescriptor)]
    public void OrdersAreChecked(uint flags, uint region, ulong offset, int fd, Enum expected)
    {
        using var vfio = new VfioWorld();
        OpenFile file = vfio.Bound(vfio.Add());
        using EventDescriptor bell = EventDescriptor.TryCreate()!;

        Assert.Equal(-(long)(Errno)expected, Order(vfio, file, flags, region, offset, 0, fd == 0 ? bell.Number : fd));
        file.Close();
    }

    [Fact]
    public void OnlyEventfdsAreTakenAndTheStructMustBeWhole()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);

        Assert.Equal(-(long)Errno.Invalid, Order(vfio, file, 4, 2, 0, 0, vfio.Iommufd));
        var order = new VfioIoEventfd { ArgSz = 27, Flags = 4, Fd = -1 };
        Assert.Equal(-(long)Errno.Invalid, vfio.Ioctl(file, VfioDeviceRequest.IoEventfd, ref order));
        Assert.Equal(0, device.IoEventfds.Count);
        file.Close();
    }

    [Theory]
    [InlineData(1u, "77")]
    [InlineData(2u, "7766")]
    [InlineData(4u, "77665544")]
    [InlineData(8u, "7766554433221100")]
    public void ASignalIsAWriteOfItsWidth(uint width, string written)
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        using EventDescriptor bell = EventDescriptor.TryCreate()!;
        const ulong Value = 0x0011_2233_4455_6677;
        string expected = $"write 2 0x40 {written}";

        Assert.Equal(0, Order(vfio, file, width, 2, 0x40, Value, bell.Number));
        Assert.Equal(-(long)Errno.AlreadyExists, Order(vfio, file, width, 2, 0x40, Value, bell.Number));
        bell.Signal();
        Assert.True(SpinWait.SpinUntil(() => Calls(device).Contains(expected, StringComparer.Ordinal), Patience));
        Assert.False(bell.TryTake());

        // Another value at the same place is another one, and neither is written once it is removed.
        Assert.Equal(0, Order(vfio, file, width, 2, 0x40, Value + 1, bell.Number));
        Assert.Equal(2, device.IoEventfds.Count);
        Assert.Equal(0, Order(vfio, file, width, 2, 0x40, Value, -1));
        Assert.Equal(0, Order(vfio, file, width, 2, 0x40, Value + 1, -1));
        Assert.Equal(-(long)Errno.NoDevice, Order(vfio, file, width, 2, 0x40, Value, -1));
        bell.Signal();
        Assert.Equal(0, device.IoEventfds.Count);
        file.Close();
        Assert.True(bell.TryTake());
    }

    [Fact]
    public void NothingIsLeftOfAClosedDeviceAndAThousandAreEnough()
    {
        using var vfio = new VfioWorld();
        VfioDevice device = vfio.Add();
        OpenFile file = vfio.Bound(device);
        using EventDescriptor bell = EventDescriptor.TryCreate()!;
        for (uint i = 0; i < 1000; i++)
        {
            Assert.Equal(0, Order(vfio, file, 4, 2, 0, i, bell.Number));
        }

        Assert.Equal(-(long)Errno.NoSpace, Order(vfio, file, 4, 2, 0, 1000, bell.Number));
        Assert.Equal(0, Order(vfio, file, 4, 2, 0, 7, -1));
        Assert.Equal(0, Order(vfio, file, 4, 2, 0, 1000, bell.Number));
        file.Close();
        Assert.Equal(0, device.IoEventfds.Count);
        int before = Calls(device).Length;
        bell.Signal();
        OpenFile again = vfio.Bound(device);
        Assert.DoesNotContain(Calls(device)[before..], call => call.StartsWith("write", StringComparison.Ordinal));
        again.Close();
        Assert.True(bell.TryTake());
    }

    // The thread that waits adds to the list meanwhile.
    private static string[] Calls(VfioDevice device)
    {
        List<string> calls = VfioWorld.ModelOf(device).Calls;
        return [.. Enumerable.Range(0, calls.Count).Select(i => calls[i])];
    }

    private static long Order(VfioWorld vfio, OpenFile file, uint flags, uint region, ulong offset, ulong data, int fd)
    {
        var order = new VfioIoEventfd { ArgSz = 32, Flags = flags, Offset = VfioRegions.OffsetOf(region) + offset, Data = data, Fd = fd };
        return vfio.Ioctl(file, VfioDeviceRequest.IoEventfd, ref order);
    }
}
