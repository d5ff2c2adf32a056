using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>What happens to an ioctl before its handler sees it, for every row.</summary>
public sealed class SizeLawTests
{
    private static readonly Engine SharedEngine = new(new EngineOptions { Level = UapiLevel.Linux612, TestBackend = true });

    public static TheoryData<uint, int, int> Rows
    {
        get
        {
            var rows = new TheoryData<uint, int, int>();
            foreach (IoctlRow row in SharedEngine.Table.Rows)
            {
                rows.Add((uint)row.Request, row.SmallestBytes, row.FullBytes);
            }

            return rows;
        }
    }

    [Fact]
    public void TheTableIsThatOfLinux612() => Assert.Equal(
        "Destroy 8 8; IoasAlloc 12 12; IoasAllowIovas 24 24; IoasCopy 40 40; IoasIovaRanges 32 32; IoasMap 40 40; IoasUnmap 24 24; Option 24 24; "
        + "VfioIoas 12 12; HwptAlloc 24 48; GetHwInfo 32 40; HwptSetDirtyTracking 16 16; HwptGetDirtyBitmap 48 48; HwptInvalidate 32 32; "
        + "FaultQueueAlloc 16 16; TestCmd 68 72",
        string.Join("; ", SharedEngine.Table.Rows.Select(row => $"{row.Request} {row.SmallestBytes} {row.FullBytes}")));

    [Theory]
    [MemberData(nameof(Rows))]
    public void AStructThatIsTooShortIsInvalid(uint request, int smallest, int full)
    {
        using var world = new World();
        world.Pages.At<int>(0) = smallest - 1;
        Assert.Equal(-(long)Errno.Invalid, Run(world, request));
        Assert.True(full >= smallest);
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void AnUnknownTailMustBeZero(uint request, int smallest, int full)
    {
        using var world = new World();
        world.Pages.At<int>(0) = full + 8;
        world.Pages.At<byte>(full + 7) = 1;
        Assert.Equal(-(long)Errno.TooBig, Run(world, request));

        // A zero tail passes the law; what the handler says then is not too big.
        world.Pages.At<byte>(full + 7) = 0;
        Assert.NotEqual(-(long)Errno.TooBig, Run(world, request));
        Assert.True(full >= smallest);
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void ATailThatCannotBeReadIsABadAddressUnlessSomethingBeforeItIsNotZero(uint request, int smallest, int full)
    {
        using var world = new World();
        ulong address = world.Pages.End - (ulong)full - 16;
        int offset = (int)(address - world.Pages.Address);
        world.Pages.At<int>(offset) = full + 4096;
        Assert.Equal(-(long)Errno.BadAddress, new IommufdContextFor(SharedEngine).Run(world.Client, request, address));
        world.Pages.At<byte>(offset + full + 3) = 1;
        Assert.Equal(
            -(long)Errno.TooBig,
            new IommufdContextFor(SharedEngine).Run(world.Client, request, address));
        Assert.True(full >= smallest);
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void AStructThatIsCutByTheEndOfMemoryIsABadAddress(uint request, int smallest, int full)
    {
        using var world = new World();
        ulong address = world.Pages.End - 4;
        world.Pages.At<int>((int)(address - world.Pages.Address)) = smallest;
        Assert.Equal(-(long)Errno.BadAddress, new IommufdContextFor(SharedEngine).Run(world.Client, request, address));
        Assert.Equal(-(long)Errno.BadAddress, new IommufdContextFor(SharedEngine).Run(world.Client, request, 0));
        Assert.Equal(-(long)Errno.BadAddress, new IommufdContextFor(SharedEngine).Run(world.Client, request, ulong.MaxValue - 2));
        Assert.True(full >= smallest);
    }

    [Theory]
    [InlineData(0x3b8fu, true)] // of a later release: a hole
    [InlineData(0x3b9fu, true)]
    [InlineData(0x3ba1u, false)] // behind the table: not even the size is read
    [InlineData(0x3b7fu, false)]
    [InlineData(0x3bffu, false)]
    [InlineData(0x3a80u, true)] // another type
    [InlineData(0xc0083b80u, true)] // another direction and size
    public void WhatIsNotInTheTableIsNoIoctl(uint request, bool readsSize)
    {
        using var world = new World();
        Assert.Equal(-(long)Errno.NotATypewriter, Run(world, request));
        Assert.Equal(
            -(long)(readsSize ? Errno.BadAddress : Errno.NotATypewriter),
            new IommufdContextFor(SharedEngine).Run(world.Client, request, 0));
    }

    [Fact]
    public void WithoutTheTestBackendTheTableEndsBeforeIt()
    {
        using var world = new World();
        Assert.Equal(-(long)Errno.NotATypewriter, world.Context.Ioctl(world.Client, 0x3ba0, 0));
        Assert.Equal(-(long)Errno.NotATypewriter, world.Context.Ioctl(world.Client, 0x3b8f, 0));
        Assert.Equal(-(long)Errno.BadAddress, world.Context.Ioctl(world.Client, 0x3b8e, 0));
    }

    [Fact]
    public void AnOldCallerIsAnsweredInItsOwnLength()
    {
        using var world = new World();
        world.Pages.Bytes[..64].Fill(0xa5);
        world.Pages.At<int>(0) = 12;
        world.Pages.At<uint>(4) = 0;
        Assert.Equal(0, world.Context.Ioctl(world.Client, (uint)IommufdRequest.IoasAlloc, world.Pages.Address));
        Assert.Equal(1u, world.Pages.At<uint>(8));
        Assert.True(world.Pages.Bytes[12..64].IndexOfAnyExcept((byte)0xa5) < 0, "Something behind the struct was written.");
    }

    [Fact]
    public void AnEmptyBufferOfTheLibraryIsBadMemory()
    {
        using var engine = new Engine();
        using IommufdContext context = engine.OpenIommufd();
        Span<byte> bytes = stackalloc byte[16];
        BitConverter.TryWriteBytes(bytes, 12);
        Assert.Equal(-(long)Errno.BadAddress, context.Ioctl((uint)IommufdRequest.IoasAlloc, []));
        Assert.Equal(-(long)Errno.BadAddress, context.Ioctl((uint)IommufdRequest.IoasAlloc, bytes[..11]));
        Assert.Equal(0, context.Ioctl((uint)IommufdRequest.IoasAlloc, bytes));
        Assert.Equal(1u, BitConverter.ToUInt32(bytes[8..]));
    }

    private static long Run(World world, uint request) => new IommufdContextFor(SharedEngine).Run(world.Client, request, world.Pages.Address);

    /// <summary>A context with the test backend for one call.</summary>
    private readonly struct IommufdContextFor(Engine engine)
    {
        internal long Run(Client client, uint request, ulong argument)
        {
            using IommufdContext context = engine.OpenIommufd();
            return ((OpenFile)context).Ioctl(client, request, argument);
        }
    }
}
