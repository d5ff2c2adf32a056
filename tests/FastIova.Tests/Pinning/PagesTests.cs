using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.Pinning;

public sealed class PagesTests
{
    private const ulong Count = 40;

    [Theory]
    [InlineData(21, 8)]
    [InlineData(22, 1)]
    [InlineData(23, 1000)]
    [InlineData(24, 3)]
    public void EachPageIsPinnedOnceWhileItHasUsers(int seed, int runPages) => Seeded.Run(seed, random =>
    {
        using var memory = new ScatteredMemory(Count) { RunPages = (ulong)runPages };
        var user = new MemoryTally();
        long limit = 30;
        var owner = new PinOwner(memory, user, () => limit, AccountMode.User);
        var pages = Pages.OfUser(owner, ScatteredMemory.Start + 5, writable: true);
        int[] users = new int[Count];
        var held = new List<(ulong First, ulong Last)>();
        for (int step = 0; step < 2000; step++)
        {
            pages.Enter();
            if (random.Chance(50) && held.Count < 12)
            {
                ulong first = (ulong)random.Next((int)Count);
                ulong last = first + (ulong)random.Next((int)(Count - first));
                memory.Repair();
                ulong hole = (ulong)random.Next((int)Count * 3);
                memory.MakeHole(hole);
                bool bad = hole >= first && hole <= last && users[hole] == 0;
                long missing = users.AsSpan((int)first, (int)(last - first + 1)).Count(0);
                PinStatus expected = bad ? PinStatus.BadAddress
                    : missing != 0 && user.LockedPages + missing > limit ? PinStatus.OutOfMemory
                    : PinStatus.Success;
                Assert.Equal(expected, pages.Hold(first, last));
                if (expected == PinStatus.Success)
                {
                    held.Add((first, last));
                    Add(users, first, last, 1);
                    AssertRuns(pages, memory, first, last);
                }
            }
            else if (held.Count != 0)
            {
                int index = random.Next(held.Count);
                (ulong first, ulong last) = held[index];
                if (first < last && random.Chance(30))
                {
                    // Cut in two, as an area is; each part goes by itself.
                    ulong upper = first + 1 + (ulong)random.Next((int)(last - first));
                    Assert.True(pages.SplitAt(upper));
                    held[index] = (first, upper - 1);
                    held.Add((upper, last));
                }
                else
                {
                    pages.Release(first, last);
                    held.RemoveAt(index);
                    Add(users, first, last, -1);
                }
            }

            pages.Exit();
            Assert.Equal(users.Select(u => Math.Min(u, 1)), memory.Pins.ToArray());
            long pinned = users.Count(u => u != 0);
            Assert.Equal(pinned, pages.Pinned);
            Assert.Equal(pinned, user.LockedPages);
            Assert.Equal(pinned, memory.Tally.PinnedPages);
            ulong page = (ulong)random.Next((int)Count);
            Assert.Equal(Math.Min(users[page], 1), PinLedger.CountPins(new PageIdentity(memory.PrivateOwner, ScatteredMemory.Start + (page << 12))));
        }

        pages.Enter();
        held.ForEach(range => pages.Release(range.First, range.Last));
        pages.Exit();
        Assert.Equal(0, user.LockedPages);
        Assert.Equal(0, memory.Tally.PinnedPages);
        pages.Put();
    });

    [Theory]
    [InlineData(AccountMode.None, 0, 0)]
    [InlineData(AccountMode.User, 5, 0)]
    [InlineData(AccountMode.Mm, 0, 5)]
    internal void PinsAreChargedToWhoeverPays(AccountMode mode, long ofUser, long ofProcess)
    {
        using var memory = new ScatteredMemory(Count);
        var user = new MemoryTally();
        var owner = new PinOwner(memory, user, () => 5, mode);
        var pages = Pages.OfUser(owner, ScatteredMemory.Start, writable: true);
        Hold(pages, 0, 4);
        Assert.Equal((ofUser, ofProcess, 5), (user.LockedPages, memory.Tally.LockedPages, memory.Tally.PinnedPages));
        Hold(pages, 2, 4);
        Assert.Equal((ofUser, ofProcess, 5), (user.LockedPages, memory.Tally.LockedPages, memory.Tally.PinnedPages));
        pages.Enter();
        Assert.Equal(mode == AccountMode.None ? PinStatus.Success : PinStatus.OutOfMemory, pages.Hold(3, 5));
        if (mode == AccountMode.None)
        {
            pages.Release(3, 5);
        }

        pages.Release(0, 4);
        pages.Exit();
        Assert.Equal(3, memory.Tally.PinnedPages);
        pages.Enter();
        pages.Release(2, 4);
        pages.Exit();
        Assert.Equal((0, 0, 0), (user.LockedPages, memory.Tally.LockedPages, memory.Tally.PinnedPages));
        pages.Put();
    }

    [Fact]
    public void ACopyThroughPinsChargesNobodyAndLeavesNone()
    {
        using var memory = new ScatteredMemory(Count);
        var owner = new PinOwner(memory, new MemoryTally(), () => 0, AccountMode.User);
        var pages = Pages.OfUser(owner, ScatteredMemory.Start, writable: true);
        byte[] bytes = new byte[10_000];
        new Random(3).NextBytes(memory.Bytes);
        Assert.Equal(PinStatus.Success, pages.Copy(4000, CpuCopy.To(bytes), current: null));
        Assert.Equal(memory.Bytes.Slice(4000, 10_000).ToArray(), bytes);
        Assert.Equal(PinStatus.Success, pages.Copy(4000 + 777, CpuCopy.From(bytes), current: null));
        Assert.Equal(bytes, memory.Bytes.Slice(4777, 10_000).ToArray());
        Assert.Equal(new int[Count], memory.Pins.ToArray());
        Assert.Equal(0, pages.Pinned);
        pages.Put();
    }

    [Fact]
    public void ReadingSeveralReadOnlyPagesThatWereMappedForWritingFailsOnlyByTheSlowPath()
    {
        using var memory = new ScatteredMemory(Count);
        memory.MakeReadOnly(1);
        var owner = new PinOwner(memory, new MemoryTally(), () => 0, AccountMode.None);
        var pages = Pages.OfUser(owner, ScatteredMemory.Start, writable: true);
        byte[] bytes = new byte[8192];
        Assert.Equal(PinStatus.Success, pages.Copy(100, CpuCopy.To(bytes), memory));
        Assert.Equal(PinStatus.BadAddress, pages.Copy(100, CpuCopy.To(bytes), current: null));
        Assert.Equal(PinStatus.Success, pages.Copy(4096, CpuCopy.To(bytes.AsSpan(0, 4096)), current: null));
        Assert.Equal(PinStatus.BadAddress, pages.Copy(100, CpuCopy.To(bytes), OwnMemory.Instance));
        Assert.Equal(PinStatus.BadAddress, pages.Copy(4096, CpuCopy.From(bytes.AsSpan(0, 1)), memory));
        pages.Put();
    }

    [Fact]
    public void WhatIsPinnedOutlivesItsProcessAndTheRestDoesNot()
    {
        using var memory = new ScatteredMemory(Count);
        var owner = new PinOwner(memory, new MemoryTally(), () => 0, AccountMode.None);
        var pages = Pages.OfUser(owner, ScatteredMemory.Start, writable: true);
        Hold(pages, 2, 3);
        memory.Gone = true;
        pages.Enter();
        Assert.Equal(PinStatus.Success, pages.Hold(2, 2));
        Assert.Equal(PinStatus.BadAddress, StatusAsTheKernelSays(pages.Hold(1, 2)));
        pages.Release(2, 2);
        pages.Release(2, 3);
        pages.Exit();
        Assert.Equal(0, pages.Pinned);
        pages.Put();
    }

    private static PinStatus StatusAsTheKernelSays(PinStatus status) => status == PinStatus.ProcessGone ? PinStatus.BadAddress : status;

    private static void Hold(Pages pages, ulong first, ulong last)
    {
        pages.Enter();
        Assert.Equal(PinStatus.Success, pages.Hold(first, last));
        pages.Exit();
    }

    private static void AssertRuns(Pages pages, ScatteredMemory memory, ulong first, ulong last)
    {
        for (ulong page = first; page <= last;)
        {
            FrameRun run = pages.RunAt(page, last);
            Assert.Equal(page, run.FirstPage);
            Assert.Equal(memory.FrameOf(page), run.First);
            page += run.Pages;
            Assert.True(page <= last + 1, "A run ends where the question does.");
        }
    }

    private static void Add(int[] users, ulong first, ulong last, int by)
    {
        for (ulong page = first; page <= last; page++)
        {
            users[page] += by;
        }
    }
}
