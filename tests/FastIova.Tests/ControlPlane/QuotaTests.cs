using Xunit;

namespace FastIova.Tests.ControlPlane;

/// <summary>What a client may have, and that it gets everything back.</summary>
public sealed class QuotaTests
{
    private const int Limit = 10;

    private readonly EventCount _refusals = new();

    [Fact]
    public void AUserHasWhatItsClientsHaveTogether()
    {
        var user = new Quota(10, null, _refusals);
        var one = new Quota(8, user, _refusals);
        var other = new Quota(8, user, _refusals);
        Assert.True(one.TryTake(8));
        Assert.False(one.TryTake(1));
        Assert.False(other.TryTake(3));
        Assert.Equal((8, 0, 8, 2), (one.Used, other.Used, user.Used, _refusals.Count));
        Assert.True(other.TryTake(2));
        one.GiveBack(8);
        Assert.Equal((0, 2, 2), (one.Used, other.Used, user.Used));
        Assert.False(other.TryTake(long.MaxValue));
    }

    [Fact]
    public void ObjectsAndMappingsBeyondTheLimitAreRefusedAndComeBack()
    {
        using var engine = new Engine();
        Quotas quotas = Make();
        using HostMemory memory = HostMemory.Allocate(1 << 20);
        using (var context = new IommufdContext(engine, EngineNode.Iommu, quotas))
        {
            IoasId ioas = context.AllocateIoas();
            for (int i = 1; i < Limit; i++)
            {
                _ = context.AllocateIoas();
            }

            Assert.Equal(Errno.OutOfMemory, Assert.Throws<IommufdException>(() => context.AllocateIoas()).Errno);
            context.Destroy(ioas);
            ioas = context.AllocateIoas();

            ulong[] iovas = [.. Enumerable.Range(0, Limit).Select(i => context.Map(ioas, memory.Address + ((nuint)i * 4096), 4096, Permission.ReadWrite))];
            Assert.Equal(Errno.OutOfMemory, Assert.Throws<IommufdException>(() => context.Map(ioas, memory.Address, 4096, Permission.ReadWrite)).Errno);
            Assert.Equal(Limit, quotas.Mappings.Used);
            context.Unmap(ioas, iovas[0], 4096);
            Assert.Equal(Limit - 1, quotas.Mappings.Used);
            _ = context.Map(ioas, memory.Address, 4096, Permission.ReadWrite);
            Assert.Equal((Limit, Limit), (quotas.Objects.Used, quotas.Mappings.Used));
        }

        Assert.Equal((0, 0), (quotas.Objects.Used, quotas.Mappings.Used));
        Assert.Equal(2, _refusals.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void PinsBeyondTheLimitAreRefusedWhateverElseCounts(int mode)
    {
        Quota pins = Make().Pins;
        var space = new SpaceOfNothing(new MemoryTally { Pins = pins });
        var user = new MemoryTally();
        var owner = new PinOwner(space, user, () => long.MaxValue, (AccountMode)mode);
        Assert.True(owner.TryCharge(Limit));
        Assert.False(owner.TryCharge(1));
        Assert.Equal((Limit, Limit), (space.Tally.PinnedPages, pins.Used));
        Assert.Equal(mode == 1 ? Limit : 0, user.LockedPages);
        owner.PayBack(Limit);
        Assert.Equal((0, 0, 0, 0), (space.Tally.PinnedPages, pins.Used, user.LockedPages, space.Tally.LockedPages));
    }

    private Quotas Make()
    {
        return new Quotas(One(), One(), One(), One(), One());

        Quota One() => new(Limit, null, _refusals);
    }

    private sealed class SpaceOfNothing : MemorySpace
    {
        internal SpaceOfNothing(MemoryTally tally)
            : base(isRemote: false) => Tally = tally;

        internal override bool IsGone => false;

        internal override bool TryRead(ulong address, Span<byte> destination) => false;

        internal override bool TryWrite(ulong address, ReadOnlySpan<byte> source) => false;

        internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs) => PinStatus.BadAddress;

        internal override void Unpin(FrameRun run)
        {
        }

        internal override bool TryIdentify(ulong address, out PageIdentity identity)
        {
            identity = default;
            return false;
        }

        internal override bool IsCompound(ulong address) => false;
    }
}
