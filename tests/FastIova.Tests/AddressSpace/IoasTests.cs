using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.AddressSpace;

public sealed class IoasTests : IDisposable
{
    private const ulong Page = 4096;
    private const ulong Base = 0x1000000;

    private readonly Iommu _iommu = new();
    private readonly ScatteredMemory _memory = new(64);
    private readonly MemoryTally _user = new();
    private readonly PinOwner _owner;
    private readonly Ioas _ioas = new();
    private readonly Domain _domain;

    public IoasTests()
    {
        _owner = new PinOwner(_memory, _user, () => long.MaxValue, AccountMode.User);
        _domain = _iommu.CreateDomain(new DomainOptions { Granule = Granule.Size2K, Aperture = new IovaSpan(Base, 0x7fffffff) });
    }

    public void Dispose()
    {
        _ioas.RemoveDomain(_domain);
        _ioas.Dispose();
        _domain.Dispose();
        _iommu.Dispose();
        Assert.Equal(0, _user.LockedPages);
        Assert.Equal(new int[64], _memory.Pins.ToArray());
        _memory.Dispose();
    }

    [Fact]
    public void AMapWithoutADomainTouchesNothingAndABadPointerShowsWhenADomainComes()
    {
        Assert.Equal(IoasStatus.Success, Map(Base, pages: 2, at: 62));
        Assert.Equal(IoasStatus.Success, Map(Base + 0x10000, pages: 4, at: 62));
        Assert.Equal(new int[64], _memory.Pins.ToArray());
        Assert.Equal(IoasStatus.BadAddress, _ioas.AddDomain(_domain));
        Assert.Equal(new int[64], _memory.Pins.ToArray());
        Assert.Equal(0UL, _domain.MappedBytes);
        Assert.Equal(1UL, _ioas.Alignment);
        var ranges = new List<IovaSpan>();
        _ioas.Ranges(ranges);
        Assert.Equal([new IovaSpan(0, ulong.MaxValue)], ranges);
        Assert.Equal(IoasStatus.Success, _ioas.Unmap(Base + 0x10000, 4 * Page, out _));
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        Assert.Equal(2, _memory.Pins.ToArray().Sum());
        Assert.Equal(2048UL, _ioas.Alignment);
        _ioas.Ranges(ranges);
        Assert.Equal([new IovaSpan(Base, 0x7fffffff)], ranges[1..]);
    }

    [Theory]
    [InlineData(0UL, IoasStatus.Invalid)]
    [InlineData(ulong.MaxValue - 4095, IoasStatus.Invalid)]
    [InlineData(ulong.MaxValue - 4096, IoasStatus.Overflow)]
    internal void AMapChecksTheMemoryFirst(ulong length, IoasStatus expected)
    {
        ulong iova = 1;
        Assert.Equal(expected, _ioas.Map(_owner, 0x100000, length, ref iova, Permission.Read, fixedIova: true));
    }

    [Fact]
    public void AFixedMapSaysWhatStandsInItsWay()
    {
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        ulong iova = Base + 1;
        Assert.Equal(IoasStatus.Invalid, _ioas.Map(_owner, ScatteredMemory.Start, Page, ref iova, Permission.Read, fixedIova: true));
        iova = Base;
        Assert.Equal(IoasStatus.Invalid, _ioas.Map(_owner, ScatteredMemory.Start, 100, ref iova, Permission.Read, fixedIova: true));
        Assert.Equal(IoasStatus.Invalid, _ioas.Map(_owner, ScatteredMemory.Start + 1024, Page, ref iova, Permission.Read, fixedIova: true));
        iova = ulong.MaxValue - 2047;
        Assert.Equal(IoasStatus.Overflow, _ioas.Map(_owner, ScatteredMemory.Start, Page, ref iova, Permission.Read, fixedIova: true));
        Assert.Equal(IoasStatus.Invalid, Map(Base - Page, 2));
        Assert.Equal(IoasStatus.Success, Map(Base + Page, 2));
        Assert.Equal(IoasStatus.AlreadyMapped, Map(Base, 2));
        Assert.Equal(IoasStatus.AlreadyMapped, Map(Base + (2 * Page), 1));
        Assert.Equal(IoasStatus.Success, Map(Base + (3 * Page), 1));
    }

    [Fact]
    public void TheVeryTopAndTheVeryBottomCanBeMapped()
    {
        ulong iova = 0;
        Assert.Equal(IoasStatus.Success, _ioas.Map(_owner, ScatteredMemory.Start, 1, ref iova, Permission.Read, fixedIova: true));
        iova = ulong.MaxValue;
        Assert.Equal(IoasStatus.Success, _ioas.Map(_owner, ScatteredMemory.Start, 1, ref iova, Permission.Read, fixedIova: true));
        iova = ulong.MaxValue - Page;
        Assert.Equal(IoasStatus.Success, _ioas.Map(_owner, ScatteredMemory.Start, Page, ref iova, Permission.Read, fixedIova: true));
        Assert.Equal(IoasStatus.AlreadyMapped, _ioas.Map(_owner, ScatteredMemory.Start, 2, ref iova, Permission.Read, fixedIova: true));
        Assert.Equal([new(0, 0), new(ulong.MaxValue - Page, ulong.MaxValue - 1), new(ulong.MaxValue, ulong.MaxValue)], _ioas.AreaSpans());
        Assert.Equal(IoasStatus.Success, _ioas.Unmap(ulong.MaxValue, 1, out ulong bytes));
        Assert.Equal(1UL, bytes);
        Assert.Equal(IoasStatus.Overflow, _ioas.Unmap(ulong.MaxValue, 2, out _));
        Assert.Equal(IoasStatus.Invalid, _ioas.Unmap(0, 0, out _));
        Assert.Equal(IoasStatus.Success, _ioas.UnmapAll(out bytes));
        Assert.Equal(Page + 1, bytes);
        Assert.Equal(IoasStatus.Success, _ioas.UnmapAll(out bytes));
        Assert.Equal(0UL, bytes);
    }

    [Fact]
    public void AnIovaIsTheLowestThatKeepsTheOffsetInThePage()
    {
        Assert.Equal(0x1000UL, Auto(ScatteredMemory.Start, Page));
        Assert.Equal(0x2000UL, Auto(ScatteredMemory.Start, Page));
        Assert.Equal(0x4000UL, Auto(ScatteredMemory.Start, 2 * Page));
        Assert.Equal(0x3234UL, Auto(ScatteredMemory.Start + 0x234, 4));
        Assert.Equal(0x10000UL, Auto(ScatteredMemory.Start, 9 * Page));
        ulong iova = 77;
        Assert.Equal(IoasStatus.Overflow, _ioas.Map(_owner, 0, ulong.MaxValue / 2, ref iova, Permission.Read, fixedIova: false));
        Assert.Equal(IoasStatus.Success, _ioas.SetAllowed([new(0x20000, 0x20fff), new(0x21000, 0x22fff), new(0x40000, 0x4ffff)]));
        Assert.Equal(0x20000UL, Auto(ScatteredMemory.Start, 2 * Page));
        Assert.Equal(0x40000UL, Auto(ScatteredMemory.Start, 4 * Page));
        Assert.Equal(IoasStatus.NoSpace, _ioas.Map(_owner, ScatteredMemory.Start, 16 * Page, ref iova, Permission.Read, fixedIova: false));
    }

    [Fact]
    public void CopiesShareThePinsAndOutliveTheirSource()
    {
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        Assert.Equal(IoasStatus.Success, Map(Base, 4));
        using var other = new Ioas();
        ulong iova = 0x5000;
        Assert.Equal(IoasStatus.Success, other.Copy(_ioas, Base + Page, 2 * Page, ref iova, Permission.Read, fixedIova: true));
        ulong again = Base + 0x100000;
        Assert.Equal(IoasStatus.Success, _ioas.Copy(_ioas, Base, 4 * Page, ref again, Permission.ReadWrite, fixedIova: true));
        Assert.Equal(4, _user.LockedPages);
        Assert.Equal(4, _memory.Pins.ToArray().Sum());
        Assert.Equal(IoasStatus.Success, _ioas.Unmap(Base, 4 * Page, out _));
        Assert.Equal(4, _user.LockedPages);
        Assert.Equal(IoasStatus.NotFound, _ioas.Copy(other, 0x5000, 3 * Page, ref again, Permission.Read, fixedIova: false));
        Assert.Equal(IoasStatus.Success, _ioas.UnmapAll(out _));
        Assert.Equal(0, _user.LockedPages);
        Assert.Equal(1, other.AreaCount);
    }

    [Fact]
    public void ACopyMayNotWriteWhatWasMappedForReading()
    {
        Assert.Equal(IoasStatus.Success, Map(Base, 1, permission: Permission.Read));
        ulong iova = 0x9000;
        Assert.Equal(IoasStatus.NotPermitted, _ioas.Copy(_ioas, Base, Page, ref iova, Permission.ReadWrite, fixedIova: true));
        Assert.Equal(1, _ioas.AreaCount);
    }

    [Fact]
    public void AnUnmapThatWouldCutAnAreaKeepsWhatItHasTakenAwayBefore()
    {
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        for (ulong i = 0; i < 5; i++)
        {
            Assert.Equal(IoasStatus.Success, Map(Base + (i * 2 * Page), 2));
        }

        Assert.Equal(IoasStatus.NotFound, _ioas.Unmap(Base, 7 * Page, out ulong bytes));
        Assert.Equal(6 * Page, bytes);
        Assert.Equal([new IovaSpan(Base + (6 * Page), Base + (8 * Page) - 1), new IovaSpan(Base + (8 * Page), Base + (10 * Page) - 1)], _ioas.AreaSpans());
        Assert.Equal(4 * Page, _domain.MappedBytes);
        Assert.Equal(4, _user.LockedPages);
    }

    [Fact]
    public void AnAccessThatKeepsItsPinsIsAskedAHundredAndOneTimes()
    {
        var access = new PinningAccess { LetsGo = false };
        Assert.Equal(IoasStatus.Success, access.Attach(_ioas));
        Assert.Equal(IoasStatus.Success, Map(Base, 2));
        Assert.Equal(IoasStatus.Success, Map(Base + (2 * Page), 2));
        var frames = new Frame[2];
        Assert.Equal(IoasStatus.Success, access.Pin(Base + (2 * Page), 2 * Page, write: true, frames));
        access.Pins.Add(IovaSpan.Of(Base + (2 * Page), 2 * Page));
        Assert.Equal(IoasStatus.Deadlock, _ioas.UnmapAll(out ulong bytes));
        Assert.Equal(2 * Page, bytes);
        Assert.Equal(101, access.Asked.Count);
        Assert.Equal(IoasStatus.Invalid, access.Pin(Base + (2 * Page), Page, write: false, frames));
        Assert.Equal(IoasStatus.Invalid, access.Read(Base + (2 * Page), new byte[4]));
        access.LetsGo = true;
        Assert.Equal(IoasStatus.Success, _ioas.UnmapAll(out bytes));
        Assert.Equal(2 * Page, bytes);
        access.Attach(null);
        Assert.Equal(1UL, _ioas.Alignment);
    }

    [Fact]
    public void AreasAreCutOnlyWherePagesAreSmall()
    {
        Assert.Equal(IoasStatus.Success, _ioas.DisableLargePages());
        Assert.Equal(Page, _ioas.Alignment);
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        using HostMemory memory = HostMemory.Allocate(8 << 20);
        ulong iova = Base;
        Assert.Equal(IoasStatus.Success, _ioas.Map(Own, memory.Address, 8 << 20, ref iova, Permission.ReadWrite, fixedIova: true));
        Assert.False(_domain.Table.Walk(Base, out _).IsLarge);
        ulong first = Base + (3 << 20) - 1;
        ulong second = Base + (5 << 20) - 1;
        Assert.Equal(IoasStatus.Success, _ioas.Cut([first, second, Base, Base + (8 << 20) - 1, 5]));
        Assert.Equal(3, _ioas.AreaCount);
        Assert.Equal(IoasStatus.Success, _ioas.Unmap(first + 1, 2 << 20, out ulong bytes));
        Assert.Equal(2UL << 20, bytes);
        Assert.Equal(6UL << 20, _domain.MappedBytes);
        Assert.Equal(6UL << 8, _ioas.PinnedPages);
        Assert.Equal(IoasStatus.Invalid, _ioas.Cut([Base + 100]));
        Assert.Equal(IoasStatus.Success, _ioas.UnmapAll(out _));
        Assert.Equal(0UL, _ioas.PinnedPages);
    }

    [Fact]
    public void LargePagesForbidACutAndTheLatterForbidsLargePages()
    {
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        Assert.Equal(IoasStatus.Success, Map(Base, 4));
        Assert.Equal(IoasStatus.Invalid, _ioas.Cut([Base + Page - 1]));
        Assert.Equal(IoasStatus.Invalid, _ioas.DisableLargePages());
        _ioas.RemoveDomain(_domain);
        Assert.Equal(IoasStatus.Success, _ioas.Cut([Base + 99]));
        Assert.Equal(2, _ioas.AreaCount);
        Assert.Equal(IoasStatus.AddressInUse, _ioas.DisableLargePages());
        Assert.Equal(IoasStatus.AddressInUse, _ioas.AddDomain(_domain));
    }

    [Fact]
    public void DevicesCopyThroughTheMemoryOfAnotherProcessButGetNoAddress()
    {
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        _domain.TrackDirty(on: true);
        ulong iova = Base + 0x800;
        Assert.Equal(IoasStatus.Success, _ioas.Map(_owner, ScatteredMemory.Start + 0x800, 5 * Page, ref iova, Permission.ReadWrite, fixedIova: true));
        using HostMemory near = HostMemory.Allocate(2 * Page);
        iova += 5 * Page;
        Assert.Equal(IoasStatus.Success, _ioas.Map(Own, near.Address + 0x800, Page, ref iova, Permission.ReadWrite, fixedIova: true));
        using DmaPort port = _iommu.OpenPort();
        port.Attach(_domain);
        byte[] data = new byte[(5 * 4096) + 2000];
        new Random(5).NextBytes(data);
        Assert.True(port.Write(Base + 0x900, data, out Fault fault), fault.ToString());
        Assert.Equal(data[..((5 * 4096) - 256)], _memory.Bytes.Slice(0x900, (5 * 4096) - 256).ToArray());
        Assert.Equal(data[((5 * 4096) - 256)..], near.Bytes(0x800, 2256).ToArray());
        byte[] read = new byte[data.Length];
        Assert.True(port.Read(Base + 0x900, read, out fault), fault.ToString());
        Assert.Equal(data, read);

        Assert.False(port.TryTranslate(Base + 0x1000, Permission.Read, out nuint host));
        Assert.Equal((nuint)0, host);
        Assert.Equal(FaultReason.Remote, port.Explain(Base + 0x1000, Permission.Read).Reason);
        Assert.False(port.FetchAdd(Base + 0x1000, 1U, out _, out fault));
        Assert.Equal(FaultReason.Remote, fault.Reason);
        Assert.False(port.TranslateBatch([Base + 0x1000, iova], new nuint[2], Permission.Read, out fault));
        Assert.Equal(FaultReason.Remote, fault.Reason);
        Assert.False(port.Read(Base, read, out fault));
        Assert.Equal(FaultReason.NotMapped, fault.Reason);

        var dirty = new List<IovaSpan>();
        Assert.Equal(IoasStatus.Success, _ioas.ReadDirty(_domain, Base + 0x800, 6 * Page, 2048, clear: true, (at, bytes) => dirty.Add(IovaSpan.Of(at, bytes))));
        // From 0x900 on, so that the first granule is one of them; the last byte lies in the second granule of the near page.
        Assert.Equal([IovaSpan.Of(Base + 0x800, 6 * Page)], dirty);
        _memory.Gone = true;
        Assert.False(port.Read(Base + 0x900, read, out fault));
    }

    [Fact]
    public void DirtyPagesAreReadUpToTheFirstGap()
    {
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        Assert.Equal(IoasStatus.Success, Map(Base, 2));
        Assert.Equal(IoasStatus.Success, Map(Base + (2 * Page), 2, at: 8));
        Assert.Equal(IoasStatus.Success, Map(Base + (5 * Page), 1, at: 16));
        foreach (ulong page in new ulong[] { 1, 2, 5 })
        {
            Assert.True(_domain.MarkDirty(Base + (page * Page)));
        }

        Assert.False(_domain.MarkDirty(Base + (4 * Page)));
        Assert.Empty(Dirty(clear: true));
        Assert.Equal(IoasStatus.Success, _ioas.SetDirtyTracking(_domain, enable: true));
        Assert.Empty(Dirty(clear: false));
        foreach (ulong page in new ulong[] { 1, 2, 5 })
        {
            Assert.True(_domain.MarkDirty(Base + (page * Page)));
        }

        IovaSpan[] expected = [IovaSpan.Of(Base + Page, 2048), IovaSpan.Of(Base + (2 * Page), 2048)];
        Assert.Equal(expected, Dirty(clear: false));
        Assert.Equal(expected, Dirty(clear: true));
        Assert.Empty(Dirty(clear: true));
        Assert.Equal(IoasStatus.Invalid, _ioas.CheckDirtyRange(Base, 0, 2048));
        Assert.Equal(IoasStatus.Invalid, _ioas.CheckDirtyRange(Base, 4096, 0));
        Assert.Equal(IoasStatus.Invalid, _ioas.CheckDirtyRange(Base + 1024, 4096, 1024));
        Assert.Equal(IoasStatus.Invalid, _ioas.CheckDirtyRange(Base, 4096, 8192));
        Assert.Equal(IoasStatus.Overflow, _ioas.CheckDirtyRange(ulong.MaxValue - 4095, 8192, 4096));
        Assert.Equal(IoasStatus.Success, _ioas.CheckDirtyRange(ulong.MaxValue - 4095, 4096, 4096));
    }

    [Fact]
    public void PinsOfAnUnmappedPageAreGivenBackOnlyWhenNoDeviceUsesIt()
    {
        Assert.Equal(IoasStatus.Success, _ioas.AddDomain(_domain));
        using HostMemory memory = HostMemory.Allocate(Page);
        ulong iova = Base;
        Assert.Equal(IoasStatus.Success, _ioas.Map(Own, memory.Address, Page, ref iova, Permission.ReadWrite, fixedIova: true));
        using DmaPort port = _iommu.OpenPort();
        port.Attach(_domain);
        IoasStatus unmapped = IoasStatus.Busy;
        Crew.Member unmap;
        using (port.Enter())
        {
            Assert.True(port.TryTranslate(Base, Permission.Write, out _));
            unmap = new Crew.Member(() => unmapped = _ioas.Unmap(Base, Page, out _));
            Assert.True(SpinWait.SpinUntil(() => !_domain.TryFrameAt(Base, out _, out _), 10_000));
            Assert.False(unmap.IsDone, "A reader is inside its scope.");
            Assert.Equal(1UL, _ioas.PinnedPages);
            Assert.Equal(IoasStatus.AlreadyMapped, Map(Base, 1));
            Assert.Equal(IoasStatus.Busy, _ioas.Unmap(Base, Page, out _));
            Assert.Equal(IoasStatus.Success, Map(Base + Page, 1));
        }

        unmap.Join();
        Assert.Equal(IoasStatus.Success, unmapped);
        Assert.Equal(1UL, _ioas.PinnedPages);
        Assert.Equal(IoasStatus.Success, Map(Base, 1, at: 9));
    }

    private static PinOwner Own { get; } = new(OwnMemory.Instance, new MemoryTally(), () => long.MaxValue, AccountMode.None);

    private List<IovaSpan> Dirty(bool clear)
    {
        var dirty = new List<IovaSpan>();
        Assert.Equal(IoasStatus.Success, _ioas.ReadDirty(_domain, Base, 8 * Page, 2048, clear, (at, bytes) => dirty.Add(IovaSpan.Of(at, bytes))));
        return dirty;
    }

    private ulong Auto(ulong address, ulong length)
    {
        ulong iova = 0;
        Assert.Equal(IoasStatus.Success, _ioas.Map(_owner, address, length, ref iova, Permission.ReadWrite, fixedIova: false));
        return iova;
    }

    private IoasStatus Map(ulong iova, ulong pages, ulong at = 0, Permission permission = Permission.ReadWrite) =>
        _ioas.Map(_owner, ScatteredMemory.Start + (at * Page), pages * Page, ref iova, permission, fixedIova: true);
}
