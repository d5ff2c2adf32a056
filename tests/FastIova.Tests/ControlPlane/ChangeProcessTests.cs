using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>IOAS_CHANGE_PROCESS: all that is charged moves, or nothing does.</summary>
public sealed class ChangeProcessTests
{
    private const IoasMapFlags ReadWrite = IoasMapFlags.Readable | IoasMapFlags.Writeable;
    private const long Pages = 16;

    [Theory]
    [InlineData(AccountMode.None)]
    [InlineData(AccountMode.User)]
    [InlineData(AccountMode.Mm)]
    internal void TheCallerPaysForEverythingAfterwards(AccountMode mode)
    {
        using var others = new ShadowMemory();
        using World world = Prepare(mode, out uint ioas, out SharedMemory file);
        var other = new Client { Space = others, LimitPages = Pages };
        other.Capabilities.Clear();
        Assert.Equal(Errno.Success, Change(world, other));
        Assert.Equal(Pages, others.Tally.PinnedPages);
        Assert.Equal(0, world.Client.Memory.Tally.PinnedPages);
        Assert.Equal(mode == AccountMode.Mm ? Pages : 0, others.Tally.LockedPages);
        Assert.Equal(0, world.Client.Memory.Tally.LockedPages);
        Assert.Equal(mode == AccountMode.User ? Pages : 0, other.User.LockedPages);
        Assert.Equal(0, world.Client.User.LockedPages);

        // Again, and then the unmap pays back where it is charged now.
        Assert.Equal(Errno.Success, Change(world, other));
        Assert.Equal(Pages, others.Tally.PinnedPages);
        Assert.Equal(Errno.Success, MapFileTests.Unmap(world, ioas, 0, ulong.MaxValue));
        Assert.Equal(0, others.Tally.PinnedPages);
        Assert.Equal(0, others.Tally.LockedPages);
        Assert.Equal(0, other.User.LockedPages);
        file.Dispose();
    }

    [Theory]
    [InlineData(AccountMode.User)]
    [InlineData(AccountMode.Mm)]
    internal void WhoCannotPayForAllOfItPaysForNothing(AccountMode mode)
    {
        using var others = new ShadowMemory();
        using World world = Prepare(mode, out uint ioas, out SharedMemory file);
        var other = new Client { Space = others, LimitPages = Pages - 1 };
        other.Capabilities.Clear();
        Assert.Equal(Errno.OutOfMemory, Change(world, other));
        Assert.Equal(Pages, world.Client.Memory.Tally.PinnedPages);
        Assert.Equal(0, others.Tally.PinnedPages);
        Assert.Equal(0, others.Tally.LockedPages + other.User.LockedPages);
        Assert.Equal(Pages, mode == AccountMode.User ? world.Client.User.LockedPages : world.Client.Memory.Tally.LockedPages);
        Assert.Equal(Errno.Success, MapFileTests.Unmap(world, ioas, 0, ulong.MaxValue));
        Assert.Equal(0, world.Client.Memory.Tally.LockedPages);
        file.Dispose();
    }

    [Fact]
    public void AllOfItMustBeFiles()
    {
        using World world = Prepare(AccountMode.User, out uint ioas, out SharedMemory file);
        Assert.Equal(Errno.Success, world.Map(ioas, 0x200_0000));
        Assert.Equal(Errno.Invalid, Change(world, world.Client));
        Assert.Equal(Errno.Success, MapFileTests.Unmap(world, ioas, 0x200_0000, 0x1000));
        Assert.Equal(Errno.Success, Change(world, world.Client));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.IoasChangeProcess, new IoasChangeProcessCommand { Reserved = 1 }));
        file.Dispose();
    }

    [Fact]
    public void NothingCanBeTakenFromAProcessThatIsGone()
    {
        using var others = new ShadowMemory();
        using World world = Prepare(AccountMode.Mm, out uint ioas, out SharedMemory file);
        var other = new Client { Space = others };
        other.Capabilities.Clear();
        Assert.Equal(Errno.Success, Change(world, other));
        others.Gone = true;
        Assert.Equal(Errno.Invalid, Change(world, world.Client));
        Assert.Equal(Errno.Success, MapFileTests.Unmap(world, ioas, 0, ulong.MaxValue));
        Assert.Equal(0, others.Tally.LockedPages);
        file.Dispose();
    }

    [Fact]
    public void NobodyPaysForWhatIsNotPinned()
    {
        using var others = new ShadowMemory();
        using var world = new World(UapiLevel.Latest);
        using var file = SharedMemory.Create("lazy", 0x4000);
        world.Ioas();
        Assert.Equal(Errno.Success, MapFileTests.Map(world, file.FileDescriptor, 0, 0x4000, 0, ReadWrite));
        Assert.Equal(Errno.Success, Change(world, new Client { Space = others, LimitPages = 0 }));
        Assert.Equal(0, others.Tally.PinnedPages);
    }

    [Fact]
    public void PinsThatComeAndGoMeanwhileAreChargedOnce()
    {
        using World world = Prepare(AccountMode.User, out uint ioas, out SharedMemory file);
        using var others = new ShadowMemory();
        var other = new Client { Space = others };
        other.Capabilities.Clear();
        using var pages = new UserPages(2);
        bool isOver = false;
        int changes = 0;
        Errno last = Errno.Success;
        var changer = new Thread(() =>
        {
            // An area that is being mapped or unmapped cannot be charged to anybody yet.
            for (int i = 0; i < 2000 && last is Errno.Success or Errno.Busy; i++)
            {
                last = Change(world, i % 2 == 0 ? other : world.Client, pages);
                changes += last == Errno.Success ? 1 : 0;
            }

            Volatile.Write(ref isOver, true);
        });
        Ioas space = world.Held<IoasObject>(ioas).Space;
        PinOwner owner = world.Context.OwnerFor(world.Client);
        changer.Start();
        while (!Volatile.Read(ref isOver))
        {
            ulong iova = 0x200_0000;
            PageSource source = BackingObjects.Own.Take(Descriptor.TryDuplicate(file.FileDescriptor)!);
            Assert.Equal(IoasStatus.Success, space.MapFile(owner, source, 0, 0x4000, ref iova, Permission.ReadWrite, fixedIova: true));
            Assert.Equal(IoasStatus.Success, space.Unmap(iova, 0x4000, out _));
        }

        changer.Join();
        Assert.True(last is Errno.Success or Errno.Busy, last.ToString());
        Assert.True(changes > 0, "Nobody else ever paid.");
        Assert.Equal(Pages, world.Client.User.LockedPages + other.User.LockedPages);
        Assert.Equal(Errno.Success, MapFileTests.Unmap(world, ioas, 0, ulong.MaxValue));
        Assert.Equal(0, world.Client.User.LockedPages);
        Assert.Equal(0, other.User.LockedPages);
        Assert.Equal(0, others.Tally.PinnedPages);
        file.Dispose();
    }

    // Two files maps of one file, one of them copied: sixteen pages in two objects, and a mock domain that pins them.
    private static World Prepare(AccountMode mode, out uint ioas, out SharedMemory file)
    {
        var world = new World(UapiLevel.Latest, mode == AccountMode.Mm ? EngineNode.VfioContainer : EngineNode.Iommu, hasTestBackend: true)
        {
            Client = new Client { Space = new ShadowMemory() },
        };
        if (mode != AccountMode.None)
        {
            world.Client.Capabilities.Clear();
        }

        file = SharedMemory.Create("charged", 0x10000);
        ioas = world.Ioas();
        Assert.Equal(Errno.Success, MapFileTests.MockDomain(world, ioas, out _));
        Assert.Equal(Errno.Success, MapFileTests.Map(world, file.FileDescriptor, 0, 0x8000, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
        Assert.Equal(Errno.Success, MapFileTests.Map(world, file.FileDescriptor, 0x8000, 0x8000, 0x101_0000, ReadWrite | IoasMapFlags.FixedIova));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasCopy, new IoasCopyCommand
        {
            SrcIoasId = ioas,
            DstIoasId = ioas,
            SrcIova = 0x100_0000,
            DstIova = 0x180_0000,
            Length = 0x8000,
            Flags = ReadWrite | IoasMapFlags.FixedIova,
        }));
        return world;
    }

    private static Errno Change(World world, Client caller) => Change(world, caller, world.Pages);

    private static Errno Change(World world, Client caller, UserPages pages)
    {
        pages.At<IoasChangeProcessCommand>(0) = new IoasChangeProcessCommand { Size = 8 };
        return (Errno)(-world.Context.Ioctl(caller, (uint)IommufdRequest.IoasChangeProcess, pages.Address));
    }
}
