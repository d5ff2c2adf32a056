using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class VeventQueueTests
{
    private const uint Lost = uint.MaxValue;

    [Fact]
    public void WhatMakesNoSenseIsRefused()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        Assert.Equal(Errno.NotSupported, world.Events(99, 0, out _, out _, type: 0));
        Assert.Equal(Errno.NotSupported, world.World.Do(IommufdRequest.VeventqAlloc, new VeventqAllocCommand { ViommuId = viommu, Type = 1, VeventqDepth = 1, Reserved = 1 }));
        Assert.Equal(Errno.NotSupported, world.World.Do(IommufdRequest.VeventqAlloc, new VeventqAllocCommand { ViommuId = viommu, Type = 1, VeventqDepth = 1, Flags = 1 }));
        Assert.Equal(Errno.Invalid, world.Events(99, 0, out _, out _));
        Assert.Equal(Errno.Invalid, world.Events(viommu, (1 << 19) + 1, out _, out _));
        Assert.Equal(Errno.NotFound, world.Events(99, 1 << 19, out _, out _));
        Assert.Equal(Errno.Success, world.Events(viommu, 1 << 19, out _, out _));
        Assert.Equal(Errno.AlreadyExists, world.Events(viommu, 1, out _, out _));
        Assert.Equal(Errno.Success, world.Events(viommu, 1, out _, out _, type: 1));
        world.World.Client.IsFull = true;
        Assert.Equal(Errno.TooManyFiles, world.Events(viommu, 1, out _, out _, type: 2));
        world.World.Client.IsFull = false;
        Assert.Equal(Errno.Success, world.Events(viommu, 1, out _, out _, type: 2));
    }

    [Fact]
    public void ADeviceTellsOnlyTheGuestThatItIsAttachedFor()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        Assert.Equal(Errno.NotFound, world.Trigger(99));
        Assert.Equal(Errno.NotFound, world.Trigger());
        uint vdevice = world.Vdevice(viommu, 0x99);
        Assert.Equal(Errno.NotFound, world.Trigger());
        uint nested = world.Nested(viommu);
        Assert.Equal(Errno.Success, world.Replace(nested));
        Assert.Equal(Errno.NotSupported, world.Trigger());
        Assert.Equal(Errno.Success, world.Events(viommu, 4, out uint queue, out uint fd));
        Assert.Equal(Errno.Success, world.Trigger());

        // The device remembers what it was called when it was attached.
        Assert.Equal(Errno.Success, world.World.Destroy(vdevice));
        Assert.Equal(Errno.Success, world.Trigger());
        Assert.Equal([(0u, 0x99u), (1u, 0x99u)], Read(world, fd, 100));
        world.World.Client.Close((int)fd);
        Assert.Equal(Errno.Success, world.World.Destroy(queue));
        Assert.Equal(Errno.NotSupported, world.Trigger());
        Assert.Equal(Errno.Success, world.Replace(world.Parent));
        Assert.Equal(Errno.NotFound, world.Trigger());
    }

    [Fact]
    public void ADeviceThatTheGuestCallsZeroTellsNothing()
    {
        using var world = new VirtualWorld();
        uint viommu = world.Viommu();
        world.Vdevice(viommu, 0);
        Assert.Equal(Errno.Success, world.Replace(world.Nested(viommu)));
        Assert.Equal(Errno.Success, world.Events(viommu, 4, out _, out uint fd));
        Assert.Equal(Errno.NotFound, world.Trigger());
        Assert.Empty(Read(world, fd, 100));
    }

    [Fact]
    public void LostEventsAreCountedAndSaidOnceAtTheEnd()
    {
        using VirtualWorld world = Prepare(depth: 2, out uint fd);
        Trigger(world, 5);
        Assert.Equal([(0u, 0x99u), (1u, 0x99u), (4u, Lost)], Read(world, fd, 100));
        Trigger(world, 4);
        Assert.Equal([(5u, 0x99u)], Read(world, fd, 12));

        // There is room again: the next event says by its number what the header would have said.
        Trigger(world, 1);
        Assert.Equal([(6u, 0x99u), (9u, 0x99u)], Read(world, fd, 100));
        Assert.Empty(Read(world, fd, 100));
    }

    [Fact]
    public void ReadsTakeWholeEvents()
    {
        using VirtualWorld world = Prepare(depth: 2, out uint fd);
        OpenFile file = world.World.Client.File(fd);
        Assert.Equal(-(long)Errno.Invalid, file.Read(world.World.Client, world.World.Data, 7));
        Assert.Equal(0, file.Read(world.World.Client, world.World.Data, 8));
        Trigger(world, 3);
        Assert.Equal(-(long)Errno.Invalid, file.Read(world.World.Client, world.World.Data, 0));
        Assert.Equal(-(long)Errno.Invalid, file.Read(world.World.Client, world.World.Data, 11));
        Assert.Equal(12, file.Read(world.World.Client, world.World.Data, 23));
        Assert.Equal(-(long)Errno.BadAddress, file.Read(world.World.Client, world.World.Pages.End - 8, 12));
        Assert.Equal(-(long)Errno.BadAddress, file.Read(world.World.Client, ulong.MaxValue - 20, 12));
        Assert.Equal(12, file.Read(world.World.Client, world.World.Pages.End - 16, 100));
        Assert.Equal(8, file.Read(world.World.Client, world.World.Data, 8));
        Assert.Equal(0, file.Read(world.World.Client, world.World.Data, 8));
    }

    [Fact]
    public void TheFileIsReadableWhileSomethingWaitsAndNeverWritable()
    {
        using VirtualWorld world = Prepare(depth: 1, out uint fd);
        OpenFile file = world.World.Client.File(fd);
        int woken = 0;
        file.OnReadinessChanged = () => woken++;
        Assert.False(file.IsReadable || file.IsWritable);
        Trigger(world, 1);
        Assert.True(file.IsReadable);
        Assert.Equal(1, woken);
        Assert.Equal(-(long)Errno.Invalid, file.Write(world.World.Client, 0, 8));
        Read(world, fd, 100);
        Assert.False(file.IsReadable);

        // A header of lost events is something to read, too.
        Trigger(world, 2);
        Read(world, fd, 12);
        Assert.True(file.IsReadable);
    }

    private static VirtualWorld Prepare(uint depth, out uint fd)
    {
        var world = new VirtualWorld();
        uint viommu = world.Viommu();
        world.Vdevice(viommu, 0x99);
        Assert.Equal(Errno.Success, world.Replace(world.Nested(viommu)));
        Assert.Equal(Errno.Success, world.Events(viommu, depth, out _, out fd));
        return world;
    }

    private static void Trigger(VirtualWorld world, int times)
    {
        for (int i = 0; i < times; i++)
        {
            Assert.Equal(Errno.Success, world.Trigger());
        }
    }

    /// <summary>The events that one read takes: number and device, or <see cref="Lost"/>.</summary>
    private static List<(uint Sequence, uint VirtualId)> Read(VirtualWorld world, uint fd, ulong room)
    {
        long count = world.World.Client.File(fd).Read(world.World.Client, world.World.Data, room);
        Assert.True(count >= 0, $"read answered {count}");
        var events = new List<(uint, uint)>();
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(world.World.Pages.Bytes.Slice(World.DataOffset, (int)count));
        while (!words.IsEmpty)
        {
            bool isLost = words[0] == 1;
            events.Add((words[1], isLost ? Lost : words[2]));
            words = words[(isLost ? 2 : 3)..];
        }

        return events;
    }
}
