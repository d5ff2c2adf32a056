using Xunit;

namespace FastIova.Tests.ControlPlane;

public sealed class HwQueueTests
{
    private const ulong Iova = VirtualWorld.Iova;

    [Fact]
    public void WhatMakesNoSenseIsRefusedInTheOrderOfTheKernel()
    {
        using VirtualWorld world = Prepare(out uint viommu);
        Assert.Equal(Errno.NotSupported, world.Queue(99, 0, Iova, 0, out _, type: 0));
        Assert.Equal(Errno.Invalid, world.Queue(99, 0, ulong.MaxValue, 0, out _));
        Assert.Equal(Errno.Overflow, world.Queue(99, 0, ulong.MaxValue, 2, out _));
        Assert.Equal(Errno.NotFound, world.Queue(99, 0, Iova, 1, out _));
        Assert.Equal(Errno.NotSupported, world.Queue(viommu, 0, Iova, 1, out _, type: 1));
        Assert.Equal(Errno.Range, world.Queue(viommu, 0, 1, ulong.MaxValue, out _));
        Assert.Equal(Errno.Range, world.Queue(viommu, 0, 0, ulong.MaxValue, out _));
        Assert.Equal(Errno.OutOfMemory, world.Queue(viommu, 0, 0, 1UL << 40, out _));
        Assert.Equal(Errno.NotFound, world.Queue(viommu, 9, 0, 0x1000, out _));
        Assert.Equal(Errno.NotFound, world.Queue(viommu, 9, Iova + 0x3000, 0x1001, out _));
        Assert.Equal(Errno.Invalid, world.Queue(viommu, 2, Iova, 0x1000, out _));
        Assert.Equal(Errno.InputOutput, world.Queue(viommu, 1, Iova, 0x1000, out _));
        Assert.Equal(Errno.BadAddress, world.Queue(viommu, 0, Iova, 0x1001, out _));
        Assert.Equal(Errno.Success, world.Queue(viommu, 0, Iova + 0xf01, 0xff, out _));
    }

    [Fact]
    public void ItsPagesCannotBeUnmappedWhileItLives()
    {
        using VirtualWorld world = Prepare(out uint viommu);
        Assert.Equal(Errno.Success, world.Queue(viommu, 0, Iova + 0x1800, 0x100, out uint queue));
        Assert.Equal(Errno.Busy, world.Unmap(Iova, 0x4000));
        Assert.Equal(Errno.Busy, world.Unmap(Iova + 0x1000, 0x1000)); // before it is seen that the area lies outside
        Assert.Equal(Errno.Busy, world.Unmap(0, ulong.MaxValue));
        Assert.Equal(Errno.Success, world.World.Map(world.Ioas, Iova + 0x10_0000));
        Assert.Equal(Errno.Success, world.Unmap(Iova + 0x10_0000, 0x1000));
        Assert.Equal(Errno.Busy, world.World.Destroy(viommu));
        Assert.Equal(Errno.Busy, world.World.Destroy(world.Ioas));
        Assert.Equal(Errno.Success, world.World.Destroy(queue));
        Assert.Equal(Errno.NotFound, world.Unmap(Iova + 0x1000, 0x1000));
        Assert.Equal(Errno.Success, world.Unmap(Iova, 0x4000));
    }

    [Fact]
    public void TheAccessThatPinsHasAnIdThatNobodyCanDestroy()
    {
        using VirtualWorld world = Prepare(out uint viommu);
        Assert.Equal(Errno.Success, world.Queue(viommu, 0, Iova, 0x1000, out uint queue));
        Assert.Equal(Errno.Busy, world.World.Destroy(queue + 1));
        Assert.Equal(Errno.Success, world.Queue(viommu, 1, Iova, 0x1000, out uint second));
        Assert.Equal(queue + 2, second);
        Assert.Equal(Errno.Success, world.World.Destroy(second));
        Assert.Equal(Errno.NotFound, world.World.Destroy(second + 1));
    }

    [Fact]
    public void AQueueKeepsTheOneBeforeIt()
    {
        using VirtualWorld world = Prepare(out uint viommu);
        Assert.Equal(Errno.Success, world.Queue(viommu, 0, Iova, 0x1000, out uint first));
        Assert.Equal(Errno.AlreadyExists, world.Queue(viommu, 0, Iova, 0x1000, out _));
        Assert.Equal(Errno.Success, world.Queue(viommu, 1, Iova + 0x1000, 0x1000, out uint second));
        Assert.Equal(Errno.Busy, world.World.Destroy(first));
        Assert.Equal(Errno.Success, world.World.Destroy(second));
        Assert.Equal(Errno.Success, world.World.Destroy(first));
        Assert.Equal(Errno.InputOutput, world.Queue(viommu, 1, Iova, 0x1000, out _));
    }

    [Fact]
    public void EveryMapMustBeAlignedToPages()
    {
        using VirtualWorld world = Prepare(out uint viommu);
        Assert.Equal(Errno.Success, world.Queue(viommu, 0, Iova, 0x1000, out uint queue));
        Assert.Equal(Errno.Invalid, world.World.Map(world.Ioas, Iova + 0x10_0800, 0x800, at: world.World.Buffer + 0x800));
        Assert.Equal(Errno.Success, world.World.Destroy(queue));
        Assert.Equal(Errno.Success, world.World.Map(world.Ioas, Iova + 0x10_0800, 0x800, at: world.World.Buffer + 0x800));
        Assert.Equal(Errno.AddressInUse, world.Queue(viommu, 0, Iova, 0x1000, out _));
    }

    [Fact]
    public void WhatCannotBeReadIsRefused()
    {
        using VirtualWorld world = Prepare(out uint viommu);
        Assert.Equal(Errno.Success, world.World.Map(world.Ioas, Iova + 0x10_0000, flags: IoasMapFlags.Writeable));
        Assert.Equal(Errno.NotPermitted, world.Queue(viommu, 0, Iova + 0x10_0000, 0x1000, out _));
    }

    [Fact]
    public void OnlyTheInsideOfAHugePageIsOnePiece()
    {
        using UserHugePages? huge = UserHugePages.TryTake(2);
        Assert.SkipWhen(huge is null, "no 2 MiB pages: echo 8 > /proc/sys/vm/nr_hugepages");
        using VirtualWorld world = Prepare(out uint viommu);
        Assert.Equal(Errno.Success, world.World.Map(world.Ioas, Iova + 0x40_0000, 0x40_0000, at: huge!.Address));
        Assert.Equal(Errno.Success, world.Queue(viommu, 0, Iova + 0x40_0000, 0x20_0000, out uint queue));
        Assert.Equal(Errno.BadAddress, world.Queue(viommu, 1, Iova + 0x5f_f000, 0x2000, out _));
        Assert.Equal(Errno.Success, world.World.Destroy(queue));
    }

    private static VirtualWorld Prepare(out uint viommu)
    {
        var world = new VirtualWorld();
        Assert.Equal(Errno.Success, world.World.Map(world.Ioas, Iova, 0x4000));
        viommu = world.Viommu();
        return world;
    }

    /// <summary>Two huge pages of this process.</summary>
    private sealed class UserHugePages : IDisposable
    {
        private const int HugeTable = 0x40000;
        private readonly nuint _bytes;

        private UserHugePages(nint address, nuint bytes)
        {
            Address = (ulong)address;
            _bytes = bytes;
        }

        internal ulong Address { get; }

        internal static UserHugePages? TryTake(int pages)
        {
            nuint bytes = (nuint)pages << 21;
            nint address = Libc.MemoryMap(0, bytes, Libc.ProtRead | Libc.ProtWrite, Libc.MapPrivate | Libc.MapAnonymous | HugeTable, -1, 0);
            return address == Libc.MapFailed ? null : new UserHugePages(address, bytes);
        }

        public void Dispose() => _ = Libc.MemoryUnmap((nint)Address, _bytes);
    }
}
