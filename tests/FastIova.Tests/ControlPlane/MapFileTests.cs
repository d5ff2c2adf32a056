using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>IOAS_MAP_FILE: what Linux 7.3 answers (recorded), what is pinned, and that nothing of a file is kept.</summary>
public sealed class MapFileTests
{
    private const ulong FileBytes = 0x80_0000;
    private const IoasMapFlags ReadWrite = IoasMapFlags.Readable | IoasMapFlags.Writeable;

    [Fact]
    public void ThereIsNoSuchCallIn612()
    {
        using var world = new World(UapiLevel.Linux612, hasTestBackend: true);
        Assert.Equal(Errno.NotATypewriter, world.Do(IommufdRequest.IoasMapFile, default(IoasMapFileCommand)));
        Assert.Equal(Errno.NotATypewriter, world.Do(IommufdRequest.IoasChangeProcess, default(IoasChangeProcessCommand)));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.TestCmd, new TestCommand { Op = TestOp.DmabufGet, DmabufGet = { Length = 0x1000 } }));
    }

    [Theory]
    [InlineData(0x7u, 99u, -1, 0UL, 0x1000UL, 0x100_0000UL, Errno.NotFound)]
    [InlineData(0x87u, 99u, 9999, 0UL, 0x1000UL, ulong.MaxValue, Errno.NotSupported)]
    [InlineData(0x7u, 99u, 9999, 0UL, 0x1000UL, ulong.MaxValue, Errno.Overflow)]
    [InlineData(0x6u, 1u, -1, 0UL, ulong.MaxValue, 0UL, Errno.Overflow)]
    [InlineData(0x1u, 99u, 9999, 0UL, 0x1000UL, 0UL, Errno.Invalid)]
    [InlineData(0x7u, 1u, 9999, ulong.MaxValue, 0UL, 0UL, Errno.Invalid)]
    [InlineData(0x7u, 1u, 9999, 0xffff_ffff_ffff_f000UL, 0x2000UL, 0UL, Errno.Overflow)]
    [InlineData(0x7u, 1u, 9999, 0UL, ulong.MaxValue - 1, 0UL, Errno.BadDescriptor)]
    [InlineData(0x6u, 1u, -1, 0UL, ulong.MaxValue - 1, 0UL, Errno.Invalid)]
    [InlineData(0x6u, 1u, -1, 0UL, 0x4000_0000_0000_0000UL, 0UL, Errno.Success)]
    [InlineData(0x6u, 1u, -1, 0xffff_ffff_ffff_f000UL, 0x1000UL, 0UL, Errno.Success)]
    [InlineData(0x7u, 1u, -1, 0UL, 0x1000UL, 0xffff_ffff_ffff_f000UL, Errno.Success)]
    public void TheChecksComeInTheOrderOfLinux(uint flags, uint ioas, int fd, ulong start, ulong length, ulong iova, Errno expected)
    {
        using var world = new World(UapiLevel.Latest);
        using var file = SharedMemory.Create("order", FileBytes);
        world.Ioas();
        Assert.Equal(expected, Map(world, fd < 0 ? file.FileDescriptor : fd, start, length, iova, (IoasMapFlags)flags, ioas));
    }

    [Fact]
    public void WithoutADomainAnyOpenFileWillDo()
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        uint ioas = world.Ioas();
        using Descriptor nothing = Descriptor.TryOpen("/dev/null", write: true)!;
        using Descriptor onDisk = Descriptor.TryOpen(typeof(MapFileTests).Assembly.Location, write: false)!;
        using Descriptor folder = Descriptor.TryOpen("/dev/shm", write: false)!;
        using var empty = Descriptor.TryReserve()!;
        int[] files = [nothing.Number, onDisk.Number, folder.Number, empty.Number];
        foreach (int fd in files)
        {
            Assert.Equal(Errno.Success, Map(world, fd, 0, 0x1000, At(fd), ReadWrite | IoasMapFlags.FixedIova));
        }

        Assert.Equal(Errno.Invalid, MockDomain(world, ioas, out _));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Length = ulong.MaxValue }));
        Assert.Equal(Errno.Success, MockDomain(world, ioas, out _));
        foreach (int fd in files)
        {
            Assert.Equal(Errno.Invalid, Map(world, fd, 0, 0x1000, At(fd), ReadWrite | IoasMapFlags.FixedIova));
        }

        static ulong At(int fd) => 0x100_0000 + ((ulong)fd * 0x1000);
    }

    [Theory]
    [InlineData(0UL, 0x2000UL, Errno.Success)]
    [InlineData(0x1000UL, 0x1000UL, Errno.Success)]
    [InlineData(0x1000UL, 0x800UL, Errno.Success)]
    [InlineData(0x2000UL, 0x800UL, Errno.Invalid)]
    [InlineData(0UL, 0x3000UL, Errno.Invalid)]
    [InlineData(0x3000UL, 0x1000UL, Errno.Invalid)]
    [InlineData(0x7fff_ffff_ffff_f000UL, 0x1000UL, Errno.Invalid)]
    [InlineData(0xffff_ffff_ffff_f000UL, 0x1000UL, Errno.Invalid)]
    public void OnlyWholePagesBeforeTheEndCanBePinned(ulong start, ulong length, Errno expected)
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        Assert.Equal(Errno.Success, MockDomain(world, world.Ioas(), out _));
        using Descriptor file = Descriptor.TryReserve()!;
        Assert.Equal(1, file.WriteAt(new byte[1], 9_999));
        Assert.Equal(expected, Map(world, file.Number, start, length, 0, ReadWrite));
        Assert.Equal(Errno.Success, Map(world, file.Number, start, length, 0, ReadWrite, world.Ioas()));
    }

    [Fact]
    public void ItsPagesAreThoseOfAProgramsOwnMapping()
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        using var file = SharedMemory.Create("same", 0x8000);
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, MockDomain(world, ioas, out uint hwpt));
        ulong own = Address(file);
        Assert.Equal(Errno.Success, Map(world, file.FileDescriptor, 0x1000, 0x3000, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
        Assert.Equal(Errno.Success, CheckMap(world, hwpt, 0x100_0000, own + 0x1000, 0x3000));
        Assert.Equal(Errno.Invalid, CheckMap(world, hwpt, 0x100_0000, own, 0x3000));
        Assert.Equal(Errno.Success, CheckPins(world, own + 0x1000, 0x3000, 1));
        Assert.Equal(Errno.Success, CheckPins(world, own + 0x4000, 0x4000, 0));

        // The same pages through the memory of the process: another object, another pin.
        Assert.Equal(Errno.Success, world.Map(ioas, 0x200_0000, 0x2000, at: own + 0x2000));
        Assert.Equal(Errno.Success, CheckPins(world, own + 0x2000, 0x2000, 2));
        Assert.Equal(Errno.Success, Unmap(world, ioas, 0x100_0000, 0x3000));
        Assert.Equal(Errno.Success, CheckPins(world, own + 0x2000, 0x2000, 1));
        Assert.Equal(Errno.Success, CheckPins(world, own + 0x1000, 0x1000, 0));
    }

    [Fact]
    public void ACopyNeedsNoFile()
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, MockDomain(world, ioas, out uint hwpt));
        using (var file = SharedMemory.Create("copied", 0x4000))
        {
            Assert.Equal(Errno.Success, Map(world, file.FileDescriptor, 0, 0x4000, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
            Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasCopy, new IoasCopyCommand
            {
                SrcIoasId = ioas,
                DstIoasId = ioas,
                SrcIova = 0x100_1000,
                DstIova = 0x200_0000,
                Length = 0x2000,
                Flags = ReadWrite | IoasMapFlags.FixedIova,
            }));
            Assert.Equal(Errno.Success, Unmap(world, ioas, 0x100_0000, 0x4000));
            Assert.Equal(Errno.Success, CheckMap(world, hwpt, 0x200_0000, Address(file) + 0x1000, 0x2000));
            Assert.Equal(Errno.Success, CheckPins(world, Address(file) + 0x1000, 0x2000, 1));
        }

        Assert.Equal(1, FilesOpen("copied"));
        Assert.Equal(Errno.Success, Unmap(world, ioas, 0x200_0000, 0x2000));
        Assert.Equal(0, FilesOpen("copied"));
    }

    [Fact]
    public void NothingIsKeptOpenOfAFileThatIsMappedOften()
    {
        using (var world = new World(UapiLevel.Latest, hasTestBackend: true))
        using (var file = SharedMemory.Create("often", 0x10000))
        {
            uint ioas = world.Ioas();
            for (ulong page = 0; page < 16; page++)
            {
                Assert.Equal(Errno.Success, Map(world, file.FileDescriptor, page * 0x1000, 0x1000, 0x100_0000 + (page * 0x1000), ReadWrite | IoasMapFlags.FixedIova));
            }

            Assert.Equal(2, FilesOpen("often"));
            Assert.Equal(Errno.Success, MockDomain(world, ioas, out _));
            Assert.Equal(Errno.Success, CheckPins(world, Address(file), 0x10000, 1));
        }

        Assert.Equal(0, FilesOpen("often"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SealsAndTheWayItWasOpenedDoNotMatter(bool isSealed)
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        using var file = SharedMemory.CreateFixed("kinds", 0x4000);
        using Descriptor readOnly = Descriptor.TryOpen($"/proc/self/fd/{file.FileDescriptor}", write: false)!;
        using Descriptor sealedFile = SealedFile();
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, MockDomain(world, ioas, out uint hwpt));
        int fd = isSealed ? sealedFile.Number : readOnly.Number;
        Assert.Equal(Errno.Success, Map(world, fd, 0, 0x2000, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
        if (!isSealed)
        {
            Assert.Equal(Errno.Success, CheckMap(world, hwpt, 0x100_0000, Address(file), 0x2000));
        }

        Assert.Equal(Errno.Success, AccessObject.Create(world.Context, new NoUser(), pinsPages: true, out AccessObject? access));
        Assert.Equal(Errno.Success, access!.Attach(ioas));
        byte[] bytes = new byte[64];
        Assert.Equal(Errno.Success, access.Read(0x100_0ff0, bytes));
        bytes.AsSpan().Fill(7);
        Assert.Equal(Errno.Success, access.Write(0x100_0ff0, bytes));
        byte[] back = new byte[64];
        Assert.Equal(Errno.Success, access.Read(0x100_0ff0, back));
        Assert.Equal(bytes, back);
        access.End();
    }

    [Fact]
    public void AnAccessSeesTheFileAndPinsItOnce()
    {
        using var world = new World(UapiLevel.Latest, hasTestBackend: true);
        using var file = SharedMemory.Create("access", 0x4000);
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, Map(world, file.FileDescriptor, 0, 0x4000, 0x100_0000, ReadWrite | IoasMapFlags.FixedIova));
        var user = new NoUser();
        Assert.Equal(Errno.Success, AccessObject.Create(world.Context, user, pinsPages: true, out AccessObject? access));
        Assert.Equal(Errno.Success, access!.Attach(ioas));
        Assert.Equal(Errno.Success, access.Write(0x100_0800, [1, 2, 3], world.Client.Memory));
        Assert.Equal(Errno.Success, CheckPins(world, Address(file), 0x4000, 0));
        byte[] bytes = new byte[3];
        Assert.True(OwnMemory.Instance.TryRead(Address(file) + 0x800, bytes));
        Assert.Equal<byte>([1, 2, 3], bytes);
        Assert.Equal(Errno.Success, access.Pin(0x100_0000, 0x2000, write: true, new Frame[2]));
        Assert.Equal(Errno.Success, CheckPins(world, Address(file), 0x2000, 1));
        access.Unpin(0x100_0000, 0x2000);
        Assert.Equal(Errno.Success, CheckPins(world, Address(file), 0x4000, 0));
        access.End();
    }

    [Fact]
    public void APortReachesTheFileWithoutACopy()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        using var file = SharedMemory.Create("library", 4UL << 20);
        using DmaPort port = engine.Iommu.OpenPort();
        IoasId ioas = context.AllocateIoas();
        using IommufdDevice device = context.Bind(port);
        device.Attach(ioas);
        ulong iova = context.MapFile(ioas, file.FileDescriptor, 0x20_0000, 0x20_0000, Permission.ReadWrite);
        Assert.True(port.Write(iova + 0xffe, [5, 6, 7, 8], out _));
        byte[] bytes = new byte[4];
        Assert.True(OwnMemory.Instance.TryRead(Address(file) + 0x20_0ffe, bytes));
        Assert.Equal<byte>([5, 6, 7, 8], bytes);
        context.MapFileAt(ioas, 0x4000_0000, file.FileDescriptor, 0, 0x1000, Permission.Read);
        Assert.False(port.Write(0x4000_0000, [1], out Fault fault));
        Assert.Equal(FaultReason.PermissionDenied, fault.Reason);
        Assert.Equal(Errno.BadDescriptor, Assert.Throws<IommufdException>(() => context.MapFile(ioas, 99_999, 0, 0x1000, Permission.Read)).Errno);
        Assert.Equal(Errno.Invalid, Assert.Throws<IommufdException>(() => context.MapFile(ioas, file.FileDescriptor, 4UL << 20, 0x1000, Permission.Read)).Errno);
    }

    [Fact]
    public void WhatADeviceWritesToASealedFileTheFileNeverSees()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        using Descriptor file = SealedFile();
        using DmaPort port = engine.Iommu.OpenPort();
        IoasId ioas = context.AllocateIoas();
        using IommufdDevice device = context.Bind(port);
        device.Attach(ioas);
        ulong iova = context.MapFile(ioas, file.Number, 0, 0x2000, Permission.ReadWrite);
        byte[] bytes = new byte[2];
        Assert.True(port.Read(iova + 0xfff, bytes, out _));
        Assert.Equal<byte>([0, 9], bytes);
        Assert.True(port.Write(iova + 0xffe, [1, 2, 3], out _));
        byte[] seen = new byte[4];
        Assert.True(port.Read(iova + 0xffe, seen, out _));
        Assert.Equal<byte>([1, 2, 3, 0], seen);
        ulong again = context.MapFile(ioas, file.Number, 0x1000, 0x1000, Permission.ReadWrite);
        Assert.True(port.Read(again, bytes, out _));
        Assert.Equal<byte>([3, 0], bytes);
        Assert.Equal(2, file.ReadAt(bytes, 0xfff));
        Assert.Equal<byte>([0, 9], bytes);

        // What is kept goes with the last page of the file.
        context.Unmap(ioas, iova, 0x2000);
        context.Unmap(ioas, again, 0x1000);
        iova = context.MapFile(ioas, file.Number, 0, 0x2000, Permission.ReadWrite);
        Assert.True(port.Read(iova + 0xfff, bytes, out _));
        Assert.Equal<byte>([0, 9], bytes);
    }

    internal static Descriptor SealedFile()
    {
        const int AddSeals = 1033;
        const int SealWrite = 8;
        const uint AllowSealing = 2;
        var file = new Descriptor(Libc.MemoryFileCreate("sealed", AllowSealing | Libc.MemfdCloseOnExec));
        Assert.Equal(1, file.WriteAt([9], 0x1000));
        Assert.Equal(1, file.WriteAt([9], 0x3fff));
        Assert.Equal(0, Libc.FileControl(file.Number, AddSeals, SealWrite));
        return file;
    }

    internal static Errno Map(World world, int fd, ulong start, ulong length, ulong iova, IoasMapFlags flags, uint ioas = 1) =>
        world.Do(IommufdRequest.IoasMapFile, new IoasMapFileCommand { IoasId = ioas, Fd = fd, Start = start, Length = length, Iova = iova, Flags = flags });

    internal static Errno Unmap(World world, uint ioas, ulong iova, ulong length) =>
        world.Do(IommufdRequest.IoasUnmap, new IoasUnmapCommand { IoasId = ioas, Iova = iova, Length = length });

    internal static Errno MockDomain(World world, uint ioas, out uint hwpt)
    {
        var command = new TestCommand { Op = TestOp.MockDomain, Id = ioas };
        Errno errno = world.Do(IommufdRequest.TestCmd, ref command);
        hwpt = command.MockDomain.OutHwptId;
        return errno;
    }

    internal static Errno CheckPins(World world, ulong address, ulong length, uint pins) =>
        world.Do(IommufdRequest.TestCmd, new TestCommand { Op = TestOp.CheckRefs, CheckRefs = { Uptr = address, Length = length, Refs = pins } });

    private static Errno CheckMap(World world, uint hwpt, ulong iova, ulong address, ulong length) =>
        world.Do(IommufdRequest.TestCmd, new TestCommand { Op = TestOp.CheckMap, Id = hwpt, CheckMap = { Iova = iova, Length = length, Uptr = address } });

    private static unsafe ulong Address(SharedMemory file) => (ulong)file.Start;

    private static int FilesOpen(string name) =>
        Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(fd => new FileInfo(fd).LinkTarget?.StartsWith("/memfd:" + name, StringComparison.Ordinal) == true);

    private sealed class NoUser : IAccessUser
    {
        public void OnUnmap(ulong iova, ulong length)
        {
            // Nothing is pinned when something is unmapped.
        }
    }
}
