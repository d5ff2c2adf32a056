using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>Mock dma-bufs: what Linux 7.3 answers, and that revoked memory is out of reach when the call returns.</summary>
public sealed class DmaBufTests
{
    private const ulong Length = 0x4000;
    private const IoasMapFlags ReadWrite = IoasMapFlags.Readable | IoasMapFlags.Writeable;

    [Theory]
    [InlineData(0u, Errno.Invalid)]
    [InlineData(1u, Errno.Success)]
    [InlineData(0x20_0000u, Errno.Success)]
    [InlineData(0x20_0001u, Errno.Invalid)]
    [InlineData(uint.MaxValue, Errno.Invalid)]
    public void ItIsAtMost512PagesLong(uint length, Errno expected)
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        var command = new TestCommand { Op = TestOp.DmabufGet, DmabufGet = { Length = length, OpenFlags = uint.MaxValue } };
        Assert.Equal(expected, world.Do(IommufdRequest.TestCmd, ref command, out long fd));
        Assert.Equal(expected == Errno.Success, fd > 0);
    }

    [Fact]
    public void ItIsMappedInsideItsBoundsAndNotWhileItIsRevoked()
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        uint ioas = world.Ioas();
        int fd = Create(world);
        Assert.Equal(Errno.Success, MapFileTests.Map(world, fd, 0, Length, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
        Assert.Equal(Errno.AlreadyExists, MapFileTests.Map(world, fd, 0, Length, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
        Assert.Equal(Errno.Success, MapFileTests.Map(world, fd, 0x1000, 0x1000, 0, ReadWrite));
        Assert.Equal(Errno.Invalid, MapFileTests.Map(world, fd, 0, Length + 0x1000, 0, ReadWrite));
        Assert.Equal(Errno.Invalid, MapFileTests.Map(world, fd, Length, 0x1000, 0, ReadWrite));
        Assert.Equal(Errno.Invalid, MapFileTests.Map(world, fd, 0xffff_ffff_ffff_f000, 0x1000, 0, ReadWrite));
        Assert.Equal(Errno.Invalid, MapFileTests.Map(world, fd, 0, 0, 0, ReadWrite));
        Assert.Equal(Errno.Invalid, world.Do(IommufdRequest.IoasChangeProcess, default(IoasChangeProcessCommand)));
        world.Client.Capabilities.Add(Capability.SysRawIo);
        var where = new NoIommuGetPaCommand { IoasId = ioas, Iova = 0x100_0000, Length = 1 };
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.NoIommuGetPa, where));
        Assert.Equal(Errno.Success, Revoke(world, fd, 1));
        Assert.Equal(Errno.Invalid, world.Do(IommufdRequest.NoIommuGetPa, where));
        Assert.Equal(Errno.NoDevice, MapFileTests.Map(world, fd, 0, Length, 0, ReadWrite));
        Assert.Equal(Errno.Success, Revoke(world, fd, 2));
        Assert.Equal(Errno.NoDevice, MapFileTests.Map(world, fd, 0, Length, 0, ReadWrite));
        Assert.Equal(Errno.Invalid, MapFileTests.Map(world, fd, 0, Length + 1, 0, ReadWrite));
        Assert.Equal(Errno.Success, Revoke(world, fd, 0));
        Assert.Equal(Errno.Success, MapFileTests.Map(world, fd, 0, Length, 0, ReadWrite));
        Assert.Equal(Errno.BadDescriptor, Revoke(world, 99_999, 1));
        using var file = SharedMemory.Create("no dma-buf", 0x1000);
        Assert.Equal(Errno.Invalid, Revoke(world, file.FileDescriptor, 1));
        world.Client.Close(fd);
        Assert.Equal(Errno.BadDescriptor, Revoke(world, fd, 1));
        Assert.Equal(Errno.Success, MapFileTests.Unmap(world, ioas, 0, ulong.MaxValue));
    }

    [Fact]
    public void NobodyPaysForItAndNoAccessReachesIt()
    {
        using var memory = new ShadowMemory();
        using var world = new World(UapiLevel.Latest, hasTestBackend: true) { Client = new Client { Space = memory } };
        world.Client.Capabilities.Clear();
        world.Client.LimitPages = 0;
        uint ioas = world.Ioas();
        int fd = Create(world);
        Assert.Equal(Errno.Success, MapFileTests.MockDomain(world, ioas, out _));
        Assert.Equal(Errno.Success, MapFileTests.Map(world, fd, 0, Length, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
        Assert.Equal(0, world.Client.User.LockedPages);
        Assert.Equal(0, memory.Tally.PinnedPages);
        Assert.Equal(0UL, world.Held<IoasObject>(ioas).Space.PinnedPages);
        Assert.Equal(Errno.Success, AccessObject.Create(world.Context, new NoUser(), pinsPages: true, out AccessObject? access));
        Assert.Equal(Errno.Success, access!.Attach(ioas));
        Assert.Equal(Errno.Invalid, access.Pin(0x100_0000, 0x1000, write: false, new Frame[1]));
        Assert.Equal(Errno.Invalid, access.Read(0x100_0000, new byte[64]));
        Assert.Equal(Errno.Invalid, access.Write(0x100_0000, new byte[64], world.Client.Memory));
        access.End();
    }

    [Fact]
    public void ItCannotBeCut()
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, MapFileTests.Map(world, Create(world), 0, Length, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
        Ioas space = world.Held<IoasObject>(ioas).Space;
        Assert.Equal(IoasStatus.NotSupported, space.Cut([0x100_0fff]));
        Assert.Equal(IoasStatus.NotSupported, space.Cut([0x100_0123]));
        Assert.Equal(IoasStatus.Success, space.Cut([0x100_3fff]));
    }

    [Fact]
    public void RevokingTakesItFromEveryDeviceAndRestoringGivesItToNewMapsOnly()
    {
        using var engine = new Engine(new EngineOptions { TestBackend = true });
        using IommufdContext context = engine.OpenIommufd();
        DmaPort[] ports = [engine.Iommu.OpenPort(), engine.Iommu.OpenPort()];
        IoasId[] ioases = [context.AllocateIoas(), context.AllocateIoas()];
        IommufdDevice[] devices = Array.ConvertAll(ports, port => context.Bind(port));
        devices[0].Attach(ioases[0]);
        devices[1].Attach(ioases[1]);
        int fd = Create(context);
        context.MapFileAt(ioases[0], 0x10_0000, fd, 0, Length, Permission.ReadWrite);
        context.CopyTo(ioases[0], 0x10_1000, 0x2000, ioases[1], 0x20_0000, Permission.Read);
        Assert.True(ports[0].Write(0x10_1ffe, [1, 2, 3, 4], out _));
        byte[] bytes = new byte[4];
        Assert.True(ports[1].Read(0x20_0ffe, bytes, out _));
        Assert.Equal<byte>([1, 2, 3, 4], bytes);

        Revoke(context, fd, 1);
        Assert.False(ports[0].Read(0x10_0000, bytes, out Fault fault));
        Assert.Equal(FaultReason.NotMapped, fault.Reason);
        Assert.False(ports[1].Read(0x20_0ffe, bytes, out _));
        Assert.Equal(0x2000UL, context.Unmap(ioases[1], 0x20_0000, 0x2000));

        // What was lost stays lost, also in a domain that comes later; a new mapping finds the memory again.
        Revoke(context, fd, 0);
        Assert.False(ports[0].Read(0x10_0000, bytes, out _));
        devices[1].Attach(ioases[0]);
        Assert.False(ports[1].Read(0x10_0000, bytes, out _));
        context.MapFileAt(ioases[0], 0x40_0000, fd, 0, Length, Permission.ReadWrite);
        Assert.True(ports[1].Read(0x40_1ffe, bytes, out _));
        Assert.Equal<byte>([1, 2, 3, 4], bytes);
        Assert.True(context.Close(fd));
        Assert.True(ports[0].Read(0x40_1ffe, bytes, out _));
        Assert.Equal(2 * Length, context.UnmapAll(ioases[0]));
        Array.ForEach(devices, device => device.Dispose());
        Array.ForEach(ports, port => port.Dispose());
    }

    [Fact]
    public void TheMemoryGoesWithTheLastOfDescriptorAndPages()
    {
        var buffer = new CountedBuffer();
        Assert.True(buffer.TryAttach(out DmaBufAttachment? first));
        buffer.Close();
        Assert.Equal(0, buffer.Freed);
        buffer.Revoke(isRevoked: false);
        Assert.True(first!.IsRevoked);
        Assert.True(buffer.TryAttach(out DmaBufAttachment? second));
        first.Put();
        Assert.Equal(0, buffer.Freed);
        second!.Put();
        Assert.Equal(1, buffer.Freed);
        Assert.False(buffer.TryAttach(out _));
    }

    [Fact]
    public void RevokingWhileOthersMapAndAttachLeavesNothingMapped()
    {
        using var engine = new Engine(new EngineOptions { TestBackend = true });
        using IommufdContext context = engine.OpenIommufd();
        IoasId ioas = context.AllocateIoas();
        int fd = Create(context);
        const int Revocations = 2000;
        int revocations = 0;
        Exception? failure = null;
        Thread[] threads =
        [
            Runner(() =>
            {
                using DmaPort port = engine.Iommu.OpenPort();
                using IommufdDevice device = context.Bind(port);
                device.Attach(ioas);
                port.Read(0x10_0000, new byte[16], out _);
                device.Detach();
            }),
            Runner(() =>
            {
                try
                {
                    context.MapFileAt(ioas, 0x10_0000, fd, 0, Length, Permission.ReadWrite);
                    context.Unmap(ioas, 0x10_0000, Length);
                }
                catch (IommufdException revoked) when (revoked.Errno == Errno.NoDevice)
                {
                    // It is, at the moment.
                }
            }),
            Runner(() =>
            {
                Revoke(context, fd, 1);
                Revoke(context, fd, 0);
                Interlocked.Increment(ref revocations);
            }),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Null(failure);
        using DmaPort last = engine.Iommu.OpenPort();
        using IommufdDevice end = context.Bind(last);
        end.Attach(ioas);
        context.UnmapAll(ioas);
        context.MapFileAt(ioas, 0x10_0000, fd, 0, Length, Permission.ReadWrite);
        Assert.True(last.Read(0x10_0000, new byte[16], out _));
        Revoke(context, fd, 1);
        Assert.False(last.Read(0x10_0000, new byte[16], out _));

        Thread Runner(Action step) => new(() =>
        {
            try
            {
                while (Volatile.Read(ref revocations) < Revocations && Volatile.Read(ref failure) is null)
                {
                    step();
                }
            }
            catch (Exception problem)
            {
                Volatile.Write(ref failure, problem);
            }
        });
    }

    private static int Create(World world)
    {
        var command = new TestCommand { Op = TestOp.DmabufGet, DmabufGet = { Length = (uint)Length } };
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.TestCmd, ref command, out long fd));
        return (int)fd;
    }

    private static Errno Revoke(World world, int fd, uint revoked) =>
        world.Do(IommufdRequest.TestCmd, new TestCommand { Op = TestOp.DmabufRevoke, DmabufRevoke = { DmabufFd = fd, Revoked = revoked } });

    private static int Create(IommufdContext context) => (int)Order(context, new TestCommand { Op = TestOp.DmabufGet, DmabufGet = { Length = (uint)Length } });

    private static void Revoke(IommufdContext context, int fd, uint revoked) =>
        Order(context, new TestCommand { Op = TestOp.DmabufRevoke, DmabufRevoke = { DmabufFd = fd, Revoked = revoked } });

    private static long Order(IommufdContext context, TestCommand command)
    {
        Span<byte> bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(new Span<TestCommand>(ref command));
        command.Size = (uint)bytes.Length;
        long result = context.Ioctl((uint)IommufdRequest.TestCmd, bytes);
        Assert.True(result >= 0, ((Errno)(-result)).ToString());
        return result;
    }

    private sealed class CountedBuffer : DmaBuf
    {
        internal int Freed { get; private set; }

        internal override ulong Length => 0x1000;

        internal override Frame Start => Frame.OfHost(0x1000);

        protected override void Free() => Freed++;
    }

    private sealed class NoUser : IAccessUser
    {
        public void OnUnmap(ulong iova, ulong length)
        {
            // Nothing can be pinned.
        }
    }
}
