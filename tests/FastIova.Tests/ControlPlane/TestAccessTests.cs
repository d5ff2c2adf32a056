using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>The files of test accesses hold pins, and give every one of them back, whatever ends first.</summary>
public sealed class TestAccessTests
{
    private const ulong First = 0x1000;
    private const ulong Length = 0x4000;

    [Fact]
    public void WithoutTheBackendThereIsNoSuchCall()
    {
        using var world = new World();
        Assert.Equal(Errno.NotATypewriter, Do(world, new TestCommand { Op = TestOp.SetTempMemoryLimit, MemoryLimit = { Limit = 65536 } }));
    }

    [Fact]
    public void PinsAreCountedPageByPage()
    {
        using World world = Prepare(out _, out uint access);
        Assert.Equal(Errno.Success, Pin(world, access, First, 0x2000, out uint first));
        Assert.Equal(Errno.Success, Pin(world, access, First + 0x1000, 0x1000, out uint second));
        Assert.Equal(Errno.Success, CheckPins(world, 0, 0x2000, 1));
        Assert.Equal(Errno.Success, CheckPins(world, 0x2000, 0x2000, 0));
        Assert.Equal(Errno.InputOutput, CheckPins(world, 0x1000, 0x2000, 1));
        Assert.Equal(Errno.Success, Unpin(world, access, first));
        Assert.Equal(Errno.NotFound, Unpin(world, access, first));
        Assert.Equal(Errno.Success, CheckPins(world, 0x1000, 0x1000, 1));
        Assert.Equal(Errno.Success, Unpin(world, access, second));
        Assert.Equal(Errno.Success, CheckPins(world, 0, Length, 0));
    }

    [Fact]
    public void OtherPagesThanTheMappedOnesAreNoticed()
    {
        using World world = Prepare(out _, out uint access);
        var command = new TestCommand { Op = TestOp.AccessPages, Id = access, AccessPages = { Iova = First, Length = 0x1000, Uptr = world.Buffer + 0x1000 } };
        Assert.Equal(Errno.BadExchange, Do(world, command));
        Assert.Equal(Errno.Success, CheckPins(world, 0, Length, 0));
    }

    [Fact]
    public void AnUnmapTakesThePinsWithIt()
    {
        using World world = Prepare(out uint ioas, out uint access);
        Assert.Equal(Errno.Success, Pin(world, access, First, 0x2000, out uint item));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Iova = First, Length = Length }));
        Assert.Equal(Errno.Success, CheckPins(world, 0, Length, 0));
        Assert.Equal(Errno.NotFound, Unpin(world, access, item));
    }

    [Fact]
    public void ClosingTheFileGivesThePinsBack()
    {
        using World world = Prepare(out uint ioas, out uint access);
        Assert.Equal(Errno.Success, Pin(world, access, First, Length, out _));
        Assert.Equal(Errno.Busy, world.Destroy(ioas));
        world.Client.Close((int)access);
        Assert.Equal(Errno.Success, CheckPins(world, 0, Length, 0));
        Assert.Equal(Errno.BadDescriptorState, Pin(world, access, First, Length, out _));
        Assert.Equal(Errno.Success, world.Destroy(ioas));
    }

    [Fact]
    public void AnAccessOutlivesTheFileOfItsContext()
    {
        using World world = Prepare(out _, out uint access);
        Assert.Equal(Errno.Success, Pin(world, access, First, Length, out _));
        world.Context.Close();
        Assert.Equal(1, world.Engine.OpenContexts);
        Assert.True(world.Client.Memory.TryIdentify(world.Buffer, out PageIdentity page));
        Assert.Equal(1, PinLedger.CountPins(page));
        world.Client.Close((int)access);
        Assert.Equal(0, PinLedger.CountPins(page));
        Assert.Equal(0, world.Engine.OpenContexts);
    }

    [Fact]
    public void UnmapsAndPinsOfTheSameRangeNeverWaitForEachOther()
    {
        const int Rounds = 500;
        using World world = Prepare(out uint ioas, out uint access);
        Ioas space = world.Held<IoasObject>(ioas).Space;
        PinOwner owner = world.Context.OwnerFor(world.Client);
        world.Pages.At<TestCommand>(World.DataOffset) = new TestCommand
        {
            Size = 72,
            Op = TestOp.AccessPages,
            Id = access,
            AccessPages = { Iova = First, Length = Length },
        };
        var pinner = new Thread(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                _ = world.Context.Ioctl(world.Client, (uint)IommufdRequest.TestCmd, world.Data);
            }
        });
        pinner.Start();
        for (int i = 0; i < Rounds; i++)
        {
            Assert.Equal(IoasStatus.Success, space.Unmap(First, Length, out _));
            ulong iova = First;
            Assert.Equal(IoasStatus.Success, space.Map(owner, world.Buffer, Length, ref iova, Permission.Read | Permission.Write, fixedIova: true));
        }

        pinner.Join();
        world.Client.Close((int)access);
        Assert.Equal(Errno.Success, CheckPins(world, 0, Length, 0));
    }

    // An ioas with the buffer mapped at First, and an access on it that pins.
    private static World Prepare(out uint ioas, out uint access)
    {
        var world = new World(hasTestBackend: true);
        ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, First, Length));
        var command = new TestCommand { Op = TestOp.CreateAccess, Id = ioas, CreateAccess = { Flags = TestConstants.AccessNeedsPinPages } };
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.TestCmd, ref command));
        access = command.CreateAccess.OutAccessFd;
        return world;
    }

    private static Errno Do(World world, TestCommand command) => world.Do(IommufdRequest.TestCmd, ref command);

    private static Errno Pin(World world, uint access, ulong iova, ulong length, out uint item)
    {
        var command = new TestCommand { Op = TestOp.AccessPages, Id = access, AccessPages = { Iova = iova, Length = length, Uptr = world.Buffer + (iova - First) } };
        Errno errno = world.Do(IommufdRequest.TestCmd, ref command);
        item = command.AccessPages.OutAccessPagesId;
        return errno;
    }

    private static Errno Unpin(World world, uint access, uint item) =>
        Do(world, new TestCommand { Op = TestOp.DestroyAccessPages, Id = access, DestroyAccessPages = { AccessPagesId = item } });

    private static Errno CheckPins(World world, ulong offset, ulong length, uint pins) =>
        Do(world, new TestCommand { Op = TestOp.CheckRefs, CheckRefs = { Uptr = world.Buffer + offset, Length = length, Refs = pins } });
}
