using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed unsafe class EpochTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(5);

    [Fact]
    public void AReaderThatEnteredBeforeSeesNothingToCatchUpWith()
    {
        using var epoch = new Epoch(Patience);
        EpochSlot* slot = epoch.TryOpen("reader", ReaderKind.Batch);
        Assert.True(Epoch.TryEnter(slot, epoch.Now, fenced: true));
        Assert.Equal(*epoch.Now, slot->Announced);
        slot->Leave();
        Assert.Equal(0UL, slot->Announced);
        epoch.Close(slot, ReaderKind.Batch);
        Assert.Equal(0, epoch.OpenReaders);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 64)]
    [InlineData(7, 3)]
    [InlineData(1024, 64)]
    [InlineData(1024, 4096)]
    public void TheLogTellsEveryLineOnceAndInOrder(int published, int room)
    {
        using var epoch = new Epoch(Patience);
        EpochSlot* slot = epoch.TryOpen("reader", ReaderKind.Batch);
        for (int round = 0; round < 7; round++)
        {
            Invalidation[] lines = [.. Enumerable.Range(0, published).Select(i => new Invalidation(1, (ulong)((round * 10000) + i), (ulong)i))];
            ulong before = *epoch.Now;
            Assert.Equal(before + (ulong)published, epoch.Publish(lines));
            Assert.False(Epoch.TryEnter(slot, epoch.Now, fenced: true));
            var told = new List<Invalidation>();
            Span<Invalidation> buffer = new Invalidation[room];
            while (slot->Seen != *epoch.Now)
            {
                Assert.True(epoch.ReadLog(slot->Seen, buffer, out int count));
                Assert.InRange(count, 1, room);
                told.AddRange(buffer[..count]);
                slot->Seen += (ulong)count;
            }

            Assert.Equal(lines, told);
            Assert.True(epoch.ReadLog(slot->Seen, buffer, out int none));
            Assert.Equal(0, none);
            Assert.True(Epoch.TryEnter(slot, epoch.Now, fenced: true));
            slot->Leave();
        }

        epoch.Close(slot, ReaderKind.Batch);
    }

    [Fact]
    public void AFullLogIsReadToItsLastLineAndOneLineMoreLapsTheReader()
    {
        using var epoch = new Epoch(Patience);
        EpochSlot* slot = epoch.TryOpen("reader", ReaderKind.Batch);
        Span<Invalidation> buffer = new Invalidation[Epoch.LogCapacity];
        for (int i = 0; i < Epoch.LogCapacity; i++)
        {
            epoch.Publish(new Invalidation(1, (ulong)i, (ulong)i));
        }

        Assert.True(epoch.ReadLog(slot->Seen, buffer, out int count));
        Assert.Equal(Epoch.LogCapacity, count);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal((ulong)i, buffer[i].First);
        }

        epoch.Publish(Invalidation.Nothing);
        Assert.False(epoch.ReadLog(slot->Seen, buffer, out _));
        epoch.Close(slot, ReaderKind.Batch);
    }

    [Fact]
    public void APublicationLongerThanTheLimitIsToldAsFlushesOfWholeSpaces()
    {
        using var epoch = new Epoch(Patience);
        ulong before = *epoch.Now;
        var lines = new Invalidation[Epoch.LongestPublication + 1];
        for (int i = 0; i < lines.Length; i++)
        {
            lines[i] = new Invalidation(i < 500 ? 7UL : 9UL, (ulong)i, (ulong)i);
        }

        Assert.Equal(before + (ulong)Epoch.LongestPublication, epoch.Publish(lines.AsSpan(1)));
        ulong middle = *epoch.Now;
        Assert.Equal(middle + 2, epoch.Publish(lines));
        Invalidation[] told = new Invalidation[4];
        Assert.True(epoch.ReadLog(middle, told, out int count));
        Assert.Equal([Invalidation.WholeSpace(7), Invalidation.WholeSpace(9)], told[..count]);
    }

    [Theory]
    [InlineData(ReaderKind.Batch)]
    [InlineData(ReaderKind.SingleShot)]
    public void AWriterWaitsForAReaderInsideAndReportsIt(ReaderKind kind)
    {
        using var reported = new ManualResetEventSlim();
        StuckReader? report = null;
        using var epoch = new Epoch(Patience, stuck =>
        {
            report ??= stuck;
            reported.Set();
        });
        EpochSlot* slot = epoch.TryOpen("the sleeper", kind);
        using var reader = new ParkedReader(park =>
        {
            Epoch.TryEnter(slot, epoch.Now, kind == ReaderKind.Batch);
            park();
            slot->Leave();
        });
        ulong target = epoch.Publish(Invalidation.Nothing);
        var writer = new Thread(() => epoch.WaitForReaders(target)) { IsBackground = true };
        writer.Start();
        reported.Wait(TestContext.Current.CancellationToken);
        Assert.True(writer.IsAlive, "The writer did not wait for the reader that it reported.");
        reader.Leave();
        writer.Join();
        Assert.Equal(("the sleeper", Environment.CurrentManagedThreadId), (report!.Reader, report.ThreadId));
        Assert.True(report.Waited >= Patience);
        Assert.Contains("'the sleeper'", report.ToString(), StringComparison.Ordinal);
        epoch.Close(slot, kind);
    }

    [Theory]
    [InlineData(ReaderKind.Batch)]
    [InlineData(ReaderKind.SingleShot)]
    public void AWriterDoesNotWaitForAReaderThatEnteredAfterThePublication(ReaderKind kind)
    {
        using var epoch = new Epoch(Patience);
        EpochSlot* slot = epoch.TryOpen("late", kind);
        ulong target = epoch.Publish(Invalidation.Nothing);
        slot->Seen = target;
        Assert.True(Epoch.TryEnter(slot, epoch.Now, kind == ReaderKind.Batch));
        epoch.WaitForReaders(target); // on this very thread: it would never return
        Assert.NotEqual(0UL, slot->Announced);
        slot->Leave();
        epoch.Close(slot, kind);
    }

    [Fact]
    public void AReaderThatIsAnnouncedButBehindHoldsTheWriterUntilItHasCaughtUp()
    {
        using var reported = new ManualResetEventSlim();
        using var epoch = new Epoch(Patience, _ => reported.Set());
        EpochSlot* slot = epoch.TryOpen("behind", ReaderKind.Batch);
        ulong target = epoch.Publish(Invalidation.Nothing);
        Assert.False(Epoch.TryEnter(slot, epoch.Now, fenced: true));
        var writer = new Thread(() => epoch.WaitForReaders(target)) { IsBackground = true };
        writer.Start();
        reported.Wait(TestContext.Current.CancellationToken);
        Assert.True(writer.IsAlive);
        slot->Seen = target;
        Assert.True(Epoch.TryEnter(slot, epoch.Now, fenced: true));
        writer.Join(); // the reader is still inside, but with the present
        slot->Leave();
        epoch.Close(slot, ReaderKind.Batch);
    }

    [Theory]
    [InlineData(ReaderKind.Batch)]
    [InlineData(ReaderKind.SingleShot)]
    public void AReaderThatEntersAgainAndAgainDoesNotStarveTheWriter(ReaderKind kind)
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain();
        using var memory = HostMemory.Allocate(4096);
        using DmaPort port = iommu.OpenPort(new DmaPortOptions { Kind = kind });
        port.Attach(domain);
        bool stop = false;
        using var started = new ManualResetEventSlim();
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                port.TryTranslate(0x1000, Permission.Read, out _);
                started.Set();
            }
        })
        { IsBackground = true };
        reader.Start();
        started.Wait(TestContext.Current.CancellationToken);
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal(MapStatus.Success, domain.TryMap(0x1000, memory, 0, 4096, Permission.Read));
            Assert.Equal(4096UL, domain.Unmap(0x1000, 4096));
        }

        Volatile.Write(ref stop, true);
        reader.Join();
    }

    [Fact]
    public void SlotsAreGivenOutOnceRunOutAndComeBack()
    {
        using var epoch = new Epoch(Patience);
        var slots = new HashSet<nint>();
        for (int i = 0; i < Epoch.SlotCapacity; i++)
        {
            Assert.True(slots.Add((nint)epoch.TryOpen("one of many", ReaderKind.SingleShot)));
        }

        Assert.DoesNotContain((nint)0, slots);
        Assert.True(epoch.TryOpen("one too many", ReaderKind.Batch) == null);
        var freed = (EpochSlot*)slots.First();
        epoch.Publish(Invalidation.Nothing);
        epoch.Close(freed, ReaderKind.SingleShot);
        EpochSlot* again = epoch.TryOpen("again", ReaderKind.Batch);
        Assert.True(again == freed);
        Assert.Equal(*epoch.Now, again->Seen);
        Assert.Equal(Epoch.SlotCapacity, epoch.OpenReaders);
    }

    [Fact]
    public void AReaderWithoutANameIsRefusedBecauseItsSlotWouldCountAsFree()
    {
        using var epoch = new Epoch(Patience);
        Assert.Throws<ArgumentNullException>(() => { epoch.TryOpen(null!, ReaderKind.Batch); });
    }

    [Fact]
    public void ADisposedEpochServesItsReadersAndHoldersAndTakesNoNewOnes()
    {
        var epoch = new Epoch(Patience);
        EpochSlot* slot = epoch.TryOpen("stays", ReaderKind.SingleShot);
        var holder = new SilentHolder();
        epoch.Hold(holder);
        epoch.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { epoch.TryOpen("late", ReaderKind.Batch); });
        Assert.Throws<ObjectDisposedException>(() => epoch.Hold(holder));
        epoch.WaitForReaders(epoch.Publish(Invalidation.WholeSpace(3)));
        Assert.False(Epoch.TryEnter(slot, epoch.Now, fenced: false));
        epoch.Close(slot, ReaderKind.SingleShot);
        Assert.Equal(3UL, epoch.Publish(Invalidation.Nothing)); // the holder still writes
        epoch.LetGo(holder);
        epoch.Dispose();
    }

    private sealed class SilentHolder : IEpochHolder
    {
        public void AddTo(EpochCounts counts) => counts.Maps++;
    }
}
