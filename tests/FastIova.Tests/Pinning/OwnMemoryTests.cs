using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.Pinning;

public sealed unsafe class OwnMemoryTests
{
    private static readonly OwnMemory Own = OwnMemory.Instance;

    [Fact]
    public void AllocatedMemoryIsKnownUntilItIsDisposed()
    {
        HostMemory memory = HostMemory.Allocate(4 << 12);
        Assert.True(KnownMemory.Contains(memory.Address, memory.Length, write: true));
        Assert.False(KnownMemory.Contains(memory.Address, memory.Length + 1, write: false));
        Assert.False(KnownMemory.Contains(memory.Address - 1, 2, write: false));
        Assert.True(Own.TryPinRun(memory.Address, 7, 4, write: true, out FrameRun run));
        Assert.Equal(new FrameRun(7, 4, Frame.OfHost(memory.Address)), run);
        memory.Dispose();
        Assert.False(KnownMemory.Contains(memory.Address, 1, write: false));
    }

    [Fact]
    public void NestedRangesAreFoundWhicheverBeginsLast()
    {
        using HostMemory outer = HostMemory.Allocate(16 << 12);
        HostMemory inner = HostMemory.Register(outer.Address + 4096, 4096);
        Assert.True(KnownMemory.Contains(outer.Address + 8192, 4096, write: true));
        Assert.True(KnownMemory.Contains(outer.Address + 4096, 8 << 12, write: true));
        inner.Dispose();
        Assert.True(KnownMemory.Contains(outer.Address + 4096, 4096, write: true));
    }

    [Fact]
    public void ReadOnlyMemoryIsKnownForReadingOnly()
    {
        using HostMemory memory = HostMemory.Allocate(4 << 12);
        Assert.Equal(0, Libc.MemoryProtect((nint)memory.Address + 8192, 4096, Libc.ProtRead));
        using HostMemory half = HostMemory.Register(memory.Address + 8192, 4096);
        nint other = Libc.MemoryMap(0, 8192, Libc.ProtRead, Libc.MapPrivate | Libc.MapAnonymous, -1, 0);
        using (HostMemory readOnly = HostMemory.Register((nuint)other, 8192))
        {
            Assert.True(KnownMemory.Contains((ulong)other, 8192, write: false));
            Assert.False(KnownMemory.Contains((ulong)other, 8192, write: true));
            var runs = new List<FrameRun>();
            Assert.Equal(PinStatus.BadAddress, Own.Pin((ulong)other, 0, 1, write: true, runs));
            Assert.Empty(runs);
            Assert.Equal(PinStatus.Success, Own.Pin((ulong)other, 0, 2, write: false, runs));
            Assert.Single(runs);
        }

        _ = Libc.MemoryUnmap(other, 8192);
        Assert.Equal(0, Libc.MemoryProtect((nint)memory.Address + 8192, 4096, Libc.ProtRead | Libc.ProtWrite));
    }

    [Fact]
    public void UnknownMemoryIsPinnedWhereItAllowsIt()
    {
        using var poisoned = new PoisonedMemory();
        var runs = new List<FrameRun>();
        ulong good = (ulong)poisoned.First;
        Assert.Equal(PinStatus.Success, Own.Pin(good, 3, 1, write: true, runs));
        Assert.Equal([new FrameRun(3, 1, Frame.OfHost(good))], runs);
        runs.Clear();
        Assert.Equal(PinStatus.BadAddress, Own.Pin(good, 0, 2, write: false, runs));
        Assert.Equal(PinStatus.BadAddress, Own.Pin(good - 4096, 0, 1, write: false, runs));
        Assert.Equal(PinStatus.BadAddress, Own.Pin(0, 0, 1, write: false, runs));
        Assert.Equal(PinStatus.BadAddress, Own.Pin(0xffff_ffff_ffff_f000, 0, 1, write: false, runs));
        Assert.Empty(runs);
    }

    [Fact]
    public void BadPointersAreAnsweredNotFollowed()
    {
        using var poisoned = new PoisonedMemory();
        byte[] bytes = new byte[8];
        Assert.True(Own.TryRead((ulong)poisoned.Last(1), bytes));
        Assert.False(Own.TryRead((ulong)poisoned.Last(0), bytes));
        Assert.False(Own.TryRead((ulong)poisoned.Last(0) - 4, bytes));
        Assert.False(Own.TryWrite(0, bytes));
        Assert.False(Own.TryWrite(ulong.MaxValue - 2, bytes));
        Assert.True(Own.TryRead(12345, []));
    }

    [Fact]
    public void TheSamePageOfAFileIsOnePageAtTwoAddresses()
    {
        using SharedMemory once = SharedMemory.Create("identity", 4 << 12);
        using SharedMemory twice = SharedMemory.Open(once.FileDescriptor);
        Assert.True(Own.TryIdentify((ulong)once.Start + 8192 + 5, out PageIdentity first));
        Assert.True(Own.TryIdentify((ulong)twice.Start + 8192, out PageIdentity second));
        Assert.Equal(first, second);
        Assert.Equal(8192UL, first.Offset);
        Assert.True(Own.TryIdentify((ulong)twice.Start, out PageIdentity other));
        Assert.NotEqual(first, other);

        using HostMemory memory = HostMemory.Allocate(4096);
        Assert.True(Own.TryIdentify(memory.Address, out PageIdentity own));
        Assert.Equal(new PageIdentity(Own.PrivateOwner, memory.Address), own);
        Assert.False(Own.TryIdentify(0, out _));
        using var poisoned = new PoisonedMemory();
        Assert.False(Own.TryIdentify((ulong)poisoned.Last(0), out _));
    }

    [Fact]
    public void PinsOfAFileAreCountedAtEveryAddress()
    {
        using SharedMemory once = SharedMemory.Create("counted", 4 << 12);
        using SharedMemory twice = SharedMemory.Open(once.FileDescriptor);
        var owner = new PinOwner(Own, new MemoryTally(), () => long.MaxValue, AccountMode.None);
        var pages = Pages.OfUser(owner, (ulong)once.Start, writable: true);
        var others = Pages.OfUser(owner, (ulong)twice.Start, writable: true);
        foreach ((Pages which, ulong first, ulong last) in new[] { (pages, 0UL, 2UL), (others, 2UL, 3UL) })
        {
            which.Enter();
            Assert.Equal(PinStatus.Success, which.Hold(first, last));
            which.Exit();
        }

        Assert.Equal([1, 1, 2, 1], Enumerable.Range(0, 4).Select(i =>
        {
            Assert.True(Own.TryIdentify((ulong)twice.Start + ((ulong)i << 12), out PageIdentity page));
            return PinLedger.CountPins(page);
        }));
        foreach ((Pages which, ulong first, ulong last) in new[] { (pages, 0UL, 2UL), (others, 2UL, 3UL) })
        {
            which.Enter();
            which.Release(first, last);
            which.Exit();
            which.Put();
        }

        Assert.True(Own.TryIdentify((ulong)once.Start + 8192, out PageIdentity free));
        Assert.Equal(0, PinLedger.CountPins(free));
    }
}
