using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>The ioctls about ioas: what they do, and which error comes first.</summary>
public sealed class IoasHandlersTests
{
    private const IoasMapFlags Both = IoasMapFlags.Readable | IoasMapFlags.Writeable;

    [Fact]
    public void AnIoasIsMadeAndDestroyed()
    {
        using var world = new World();
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.IoasAlloc, new IoasAllocCommand { Flags = 1 }));
        Assert.Equal(1u, world.Ioas());
        Assert.Equal(2u, world.Ioas());
        Assert.Equal(Errno.Success, world.Destroy(1));
        Assert.Equal(Errno.NotFound, world.Destroy(1));
        Assert.Equal(Errno.NotFound, world.Destroy(0));
        Assert.Equal(Errno.NotFound, world.Destroy(uint.MaxValue));
        Assert.Equal(1u, world.Ioas());
    }

    [Theory]
    [InlineData(8u, 0u, 0UL, 0UL, 1u, Errno.NotSupported)] // unknown flag before everything
    [InlineData(0u, 1u, ulong.MaxValue, 0UL, 9u, Errno.NotSupported)] // so is the reserved field
    [InlineData(0u, 0u, ulong.MaxValue, 4096UL, 9u, Errno.Overflow)] // the iova, although nobody asked for it
    [InlineData(0u, 0u, 0UL, ulong.MaxValue, 9u, Errno.Overflow)]
    [InlineData(1u, 0u, 0UL, 4096UL, 9u, Errno.Invalid)] // neither readable nor writeable, before the id
    [InlineData(6u, 0u, 0UL, 0UL, 9u, Errno.NotFound)] // the id before the length
    [InlineData(6u, 0u, 0UL, 0UL, 1u, Errno.Invalid)]
    [InlineData(7u, 0u, 0x1000UL, 0x1000UL, 1u, Errno.AlreadyExists)]
    [InlineData(7u, 0u, 0x1fffUL, 1UL, 1u, Errno.AlreadyExists)]
    [InlineData(7u, 0u, ulong.MaxValue - 1, 16UL, 1u, Errno.Overflow)]
    [InlineData(7u, 0u, 0x2000UL, 0x1000UL, 1u, Errno.Success)]
    public void AMapIsJudgedInTheKernelsOrder(uint flags, uint reserved, ulong iova, ulong length, uint ioas, Errno expected)
    {
        using var world = new World();
        Assert.Equal(1u, world.Ioas());
        Assert.Equal(Errno.Success, world.Map(1, 0x1000));
        var command = new IoasMapCommand { Flags = (IoasMapFlags)flags, Reserved = reserved, IoasId = ioas, UserVa = world.Buffer, Length = length, Iova = iova };
        Assert.Equal(expected, world.Do(IommufdRequest.IoasMap, ref command));
    }

    [Fact]
    public void AnIovaIsChosenFromTheLowestHoleAndKeepsTheOffset()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        var command = new IoasMapCommand { Flags = Both, IoasId = ioas, UserVa = world.Buffer + 0x10, Length = 0x20 };
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasMap, ref command));
        Assert.Equal(0x1010UL, command.Iova);
    }

    [Fact]
    public void ACallerThatCannotTakeTheAnswerKeepsTheMapping()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        world.Pages.At<IoasMapCommand>(0) = new IoasMapCommand { Size = 40, Flags = Both, IoasId = ioas, UserVa = world.Buffer, Length = 4096 };
        world.Pages.Protect(1);
        Assert.Equal(-(long)Errno.BadAddress, world.Context.Ioctl(world.Client, (uint)IommufdRequest.IoasMap, world.Pages.Address));
        Assert.Equal(1, world.Held<IoasObject>(ioas).Space.AreaCount);
    }

    [Fact]
    public void ACallerThatCannotTakeTheIdGetsNoObject()
    {
        using var world = new World();
        world.Pages.At<IoasAllocCommand>(0) = new IoasAllocCommand { Size = 12 };
        world.Pages.Protect(1);
        Assert.Equal(-(long)Errno.BadAddress, world.Context.Ioctl(world.Client, (uint)IommufdRequest.IoasAlloc, world.Pages.Address));
        Assert.True(world.Context.Objects.IsEmpty);
    }

    [Fact]
    public void AnUnmapTakesWholeAreasAndSaysHowMuch()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        Assert.Equal(Errno.Success, world.Map(ioas, 0x1000, 0x2000));
        Assert.Equal(Errno.Success, world.Map(ioas, 0x5000));
        Assert.Equal(Errno.NotFound, Unmap(world, 9, 0, 1, out _));
        Assert.Equal(Errno.Overflow, Unmap(world, ioas, 1, ulong.MaxValue, out _));
        Assert.Equal(Errno.Overflow, Unmap(world, ioas, ulong.MaxValue, 1, out _));
        Assert.Equal(Errno.Invalid, Unmap(world, ioas, 0x1000, 0, out _));
        Assert.Equal(Errno.NotFound, Unmap(world, ioas, 0x1000, 0x1000, out _));
        Assert.Equal(Errno.NotFound, Unmap(world, ioas, 0x10_0000, 0x1000, out _));
        Assert.Equal(Errno.Success, Unmap(world, ioas, 0, 0x4000, out ulong bytes));
        Assert.Equal(0x2000UL, bytes);
        Assert.Equal(Errno.Success, Unmap(world, ioas, 0, ulong.MaxValue, out bytes));
        Assert.Equal(0x1000UL, bytes);
        Assert.Equal(Errno.Success, Unmap(world, ioas, 0, ulong.MaxValue, out bytes));
        Assert.Equal(0UL, bytes);
    }

    [Theory]
    [InlineData(8u, 1u, 2u, 0x1000UL, 0x1000UL, 0UL, Errno.NotSupported)]
    [InlineData(6u, 9u, 9u, ulong.MaxValue, 0x1000UL, 0UL, Errno.Overflow)]
    [InlineData(6u, 9u, 9u, 0x1000UL, ulong.MaxValue, 0UL, Errno.Overflow)]
    [InlineData(6u, 9u, 9u, 0x1000UL, 0x1000UL, ulong.MaxValue, Errno.Overflow)]
    [InlineData(1u, 9u, 9u, 0x1000UL, 0x1000UL, 0UL, Errno.Invalid)]
    [InlineData(6u, 9u, 9u, 0x1000UL, 0x1000UL, 0UL, Errno.NotFound)]
    [InlineData(6u, 1u, 9u, 0UL, 0x1000UL, 0UL, Errno.Invalid)] // the source's errors before the missing destination
    [InlineData(6u, 1u, 9u, 0x1000UL, 0x1000UL, 0UL, Errno.NotFound)]
    [InlineData(6u, 1u, 2u, 0x2000UL, 0x1000UL, 0UL, Errno.NotFound)] // not wholly mapped
    [InlineData(2u, 1u, 2u, 0x1000UL, 0x1000UL, 0UL, Errno.NotPermitted)] // writing what was mapped for reading
    [InlineData(4u, 1u, 2u, 0x800UL, 0x1000UL, 0UL, Errno.Success)]
    public void ACopyIsJudgedInTheKernelsOrder(uint flags, uint source, uint destination, ulong length, ulong from, ulong to, Errno expected)
    {
        using var world = new World();
        world.Ioas();
        world.Ioas();
        Assert.Equal(Errno.Success, world.Map(1, 0x1000, 0x1000, IoasMapFlags.Readable));
        var command = new IoasCopyCommand { Flags = (IoasMapFlags)flags, SrcIoasId = source, DstIoasId = destination, Length = length, SrcIova = from, DstIova = to };
        Assert.Equal(expected, world.Do(IommufdRequest.IoasCopy, ref command));
        if (expected == Errno.Success)
        {
            Assert.Equal(0x1000UL, command.DstIova);
        }
    }

    [Fact]
    public void TheRangesAreWhatNobodyReserved()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        var command = new IoasIovaRangesCommand { IoasId = ioas, Reserved = 1 };
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.IoasIovaRanges, ref command));
        command = new IoasIovaRangesCommand { IoasId = 7 };
        Assert.Equal(Errno.NotFound, world.Do(IommufdRequest.IoasIovaRanges, ref command));
        command = new IoasIovaRangesCommand { IoasId = ioas, NumIovas = 1, AllowedIovas = world.Data };
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasIovaRanges, ref command));
        Assert.Equal((1u, 1UL), (command.NumIovas, command.OutIovaAlignment));
        Assert.Equal((0UL, ulong.MaxValue), (world.Pages.At<IovaRangeRecord>(World.DataOffset).Start, world.Pages.At<IovaRangeRecord>(World.DataOffset).Last));

        Assert.Equal(IoasStatus.Success, world.Held<IoasObject>(ioas).Space.Reserve(new IovaSpan(0x1000, 0x1fff), null));
        command = new IoasIovaRangesCommand { IoasId = ioas, NumIovas = 1, AllowedIovas = world.Data };
        Assert.Equal(Errno.MessageTooLong, world.Do(IommufdRequest.IoasIovaRanges, ref command));
        Assert.Equal(2u, command.NumIovas);
        Assert.Equal(0xfffUL, world.Pages.At<IovaRangeRecord>(World.DataOffset).Last);
        command = new IoasIovaRangesCommand { IoasId = ioas, NumIovas = 2, AllowedIovas = world.Pages.End - 16 };
        Assert.Equal(Errno.BadAddress, world.Do(IommufdRequest.IoasIovaRanges, ref command));
        Assert.Equal(2u, command.NumIovas);
        command = new IoasIovaRangesCommand { IoasId = ioas };
        Assert.Equal(Errno.MessageTooLong, world.Do(IommufdRequest.IoasIovaRanges, ref command));
    }

    [Fact]
    public void AnAllowedListIsReadEntryByEntryAndReplacesTheOldOne()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        Assert.Equal(Errno.NotSupported, Allow(world, ioas, reserved: 1));
        Assert.Equal(Errno.NotFound, Allow(world, 9));
        Assert.Equal(Errno.Invalid, Allow(world, ioas, (5, 5)));
        Assert.Equal(Errno.Invalid, Allow(world, ioas, (0x1000, 0x2fff), (0x2fff, 0x3fff)));
        Assert.Equal(Errno.Success, Allow(world, ioas, (0x9000, 0x9fff), (0x1000, 0x2fff)));

        // The second entry cannot be read: an overlap in the first piece would have come before it.
        world.Pages.At<IovaRangeRecord>(80 * 4096 - 16) = new IovaRangeRecord { Start = 1, Last = 2 };
        var command = new IoasAllowIovasCommand { IoasId = ioas, NumIovas = 2, AllowedIovas = world.Pages.End - 16 };
        Assert.Equal(Errno.BadAddress, world.Do(IommufdRequest.IoasAllowIovas, ref command));
        world.Pages.At<IovaRangeRecord>(80 * 4096 - 16) = new IovaRangeRecord { Start = 2, Last = 1 };
        Assert.Equal(Errno.Invalid, world.Do(IommufdRequest.IoasAllowIovas, ref command));

        var map = new IoasMapCommand { Flags = Both, IoasId = ioas, UserVa = world.Buffer, Length = 0x3000 };
        Assert.Equal(Errno.NoSpace, world.Do(IommufdRequest.IoasMap, ref map));
        Assert.Equal(IoasStatus.Success, world.Held<IoasObject>(ioas).Space.Reserve(new IovaSpan(0x10_0000, 0x10_0fff), null));
        Assert.Equal(Errno.AddressInUse, Allow(world, ioas, (0x10_0000, 0x10_0001)));
        Assert.Equal(IoasStatus.AddressInUse, world.Held<IoasObject>(ioas).Space.Reserve(new IovaSpan(0x9000, 0x9000), null));
        Assert.Equal(Errno.Success, Allow(world, ioas));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.IoasMap, ref map));
    }

    [Fact]
    public void TheModeOfTheLimitIsSetWhileThereIsNothing()
    {
        using var world = new World();
        OptionCommand Rlimit(OptionOp op, ulong value) => new() { OptionId = OptionId.RlimitMode, Op = op, Val64 = value };
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.Option, new OptionCommand { Reserved = 1 }));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.Option, new OptionCommand { OptionId = (OptionId)2 }));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.Option, new OptionCommand { ObjectId = 1 }));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.Option, Rlimit((OptionOp)2, 0)));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.Option, Rlimit(OptionOp.Set, 1)));
        OptionCommand got = Rlimit(OptionOp.Get, 7);
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.Option, ref got));
        Assert.Equal(1UL, got.Val64);
        Assert.Equal(Errno.Invalid, world.Do(IommufdRequest.Option, Rlimit(OptionOp.Set, 2)));
        world.Client.Capabilities.Remove(Capability.SysResource);
        Assert.Equal(Errno.NotPermitted, world.Do(IommufdRequest.Option, Rlimit(OptionOp.Set, 2)));
        world.Client.Capabilities.Add(Capability.SysResource);
        world.Ioas();
        Assert.Equal(Errno.Busy, world.Do(IommufdRequest.Option, Rlimit(OptionOp.Set, 2)));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.Option, ref got));
    }

    [Fact]
    public void AContainerChargesTheProcess()
    {
        using var world = new World(node: EngineNode.VfioContainer);
        var got = new OptionCommand { OptionId = OptionId.RlimitMode, Op = OptionOp.Get };
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.Option, ref got));
        Assert.Equal(1UL, got.Val64);
        Assert.Equal(AccountMode.None, world.Context.OwnerFor(world.Client).Mode);
        world.Client.Capabilities.Remove(Capability.IpcLock);
        Assert.Equal(AccountMode.Mm, world.Context.OwnerFor(world.Client).Mode);
        Assert.Same(world.Context.OwnerFor(world.Client), world.Context.OwnerFor(world.Client));
    }

    [Fact]
    public void LargePagesAreAnOptionOfAnIoas()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        OptionCommand Huge(OptionOp op, ulong value) => new() { OptionId = OptionId.HugePages, Op = op, ObjectId = ioas, Val64 = value };
        Assert.Equal(Errno.NotFound, world.Do(IommufdRequest.Option, new OptionCommand { OptionId = OptionId.HugePages, Op = (OptionOp)9, ObjectId = 8 }));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.Option, Huge((OptionOp)9, 0)));
        Assert.Equal(Errno.Invalid, world.Do(IommufdRequest.Option, Huge(OptionOp.Set, 2)));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.Option, Huge(OptionOp.Set, 0)));
        OptionCommand got = Huge(OptionOp.Get, 9);
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.Option, ref got));
        Assert.Equal(0UL, got.Val64);
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.Option, Huge(OptionOp.Set, 1)));
        Assert.Equal(Errno.Success, world.Map(ioas, 0x1001, 3));
        Assert.Equal(Errno.AddressInUse, world.Do(IommufdRequest.Option, Huge(OptionOp.Set, 0)));
    }

    [Fact]
    public void OneIoasIsThatOfTheVfioCalls()
    {
        using var world = new World();
        uint ioas = world.Ioas();
        VfioIoasCommand Command(VfioIoasOp op, uint id = 0) => new() { Op = op, IoasId = id };
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.VfioIoas, new VfioIoasCommand { Reserved = 1 }));
        Assert.Equal(Errno.NotSupported, world.Do(IommufdRequest.VfioIoas, Command((VfioIoasOp)3)));
        Assert.Equal(Errno.NoDevice, world.Do(IommufdRequest.VfioIoas, Command(VfioIoasOp.Get)));
        Assert.Equal(Errno.NotFound, world.Do(IommufdRequest.VfioIoas, Command(VfioIoasOp.Set, 9)));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.VfioIoas, Command(VfioIoasOp.Set, ioas)));
        VfioIoasCommand got = Command(VfioIoasOp.Get);
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.VfioIoas, ref got));
        Assert.Equal(ioas, got.IoasId);
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.VfioIoas, Command(VfioIoasOp.Clear)));
        Assert.Equal(Errno.NoDevice, world.Do(IommufdRequest.VfioIoas, Command(VfioIoasOp.Get)));
        Assert.Equal(Errno.Success, world.Do(IommufdRequest.VfioIoas, Command(VfioIoasOp.Set, ioas)));
        Assert.Equal(Errno.Success, world.Destroy(ioas));
        Assert.Equal(Errno.NoDevice, world.Do(IommufdRequest.VfioIoas, Command(VfioIoasOp.Get)));
    }

    private static Errno Unmap(World world, uint ioas, ulong iova, ulong length, out ulong bytes)
    {
        var command = new IoasUnmapCommand { IoasId = ioas, Iova = iova, Length = length };
        Errno errno = world.Do(IommufdRequest.IoasUnmap, ref command);
        bytes = command.Length;
        Assert.True(errno == Errno.Success || bytes == length, "The length was written although the call failed.");
        return errno;
    }

    private static Errno Allow(World world, uint ioas, params (ulong First, ulong Last)[] spans) => Allow(world, ioas, 0, spans);

    private static Errno Allow(World world, uint ioas, uint reserved, params (ulong First, ulong Last)[] spans)
    {
        for (int i = 0; i < spans.Length; i++)
        {
            world.Pages.At<IovaRangeRecord>(World.DataOffset + (i * 16)) = new IovaRangeRecord { Start = spans[i].First, Last = spans[i].Last };
        }

        return world.Do(IommufdRequest.IoasAllowIovas, new IoasAllowIovasCommand { IoasId = ioas, NumIovas = (uint)spans.Length, Reserved = reserved, AllowedIovas = world.Data });
    }
}
