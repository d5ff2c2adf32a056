using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.Intervals;

public sealed class IntervalTreeTests
{
    public static TheoryData<int, int, ulong> Runs => new()
    {
        { 1, 12, 0 },
        { 2, 40, 0 },
        { 3, 300, 0 },
        { 4, 3000, 0 },
        { 5, 3000, ulong.MaxValue - 200_000 },
        { 6, 40, ulong.MaxValue - 1000 },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public void TheTreeAnswersAsASortedListDoes(int seed, int most, ulong origin) => Seeded.Run(seed, random =>
    {
        var tree = new IntervalTree<Interval>();
        var model = new List<Interval>();
        for (int step = 0; step < 6 * most; step++)
        {
            bool grows = random.Chance(step < 3 * most ? 70 : 30);
            if (grows && model.Count < most)
            {
                ulong room = ulong.MaxValue - origin;
                ulong first = origin + (random.NextWord() % Math.Min(room, 200_000) % (room == 0 ? 1 : room));
                ulong last = first + Math.Min(random.NextWord() % 60, ulong.MaxValue - first);
                if (!model.Exists(i => i.First <= last && i.Last >= first))
                {
                    var interval = new Interval(first, last);
                    tree.Insert(first, last, interval);
                    model.Insert(model.FindIndex(i => i.First > first) is >= 0 and int at ? at : model.Count, interval);
                }
            }
            else if (model.Count != 0)
            {
                int index = random.Next(model.Count);
                tree.Remove(model[index].First);
                model.RemoveAt(index);
            }

            Assert.Equal(model.Count, tree.Count);
            Compare(tree, model, random, origin);
        }

        foreach (Interval interval in model)
        {
            tree.Remove(interval.First);
        }

        Assert.Equal(0, tree.Count);
        Assert.Null(tree.FirstOfAll());
    });

    [Fact]
    public void TheEndsOfTheSpaceAreOrdinary()
    {
        var tree = new IntervalTree<Interval>();
        var bottom = new Interval(0, 0);
        var top = new Interval(ulong.MaxValue, ulong.MaxValue);
        tree.Insert(0, 0, bottom);
        tree.Insert(ulong.MaxValue, ulong.MaxValue, top);
        Assert.Same(bottom, tree.FirstIn(0, ulong.MaxValue));
        Assert.Same(top, tree.After(0));
        Assert.Null(tree.After(ulong.MaxValue));
        Assert.True(tree.TryFindHole(new IovaSpan(0, ulong.MaxValue), ulong.MaxValue - 2, out IovaSpan hole));
        Assert.Equal(new IovaSpan(1, ulong.MaxValue - 1), hole);
        Assert.False(tree.TryFindHole(new IovaSpan(0, ulong.MaxValue), ulong.MaxValue - 1, out _));
        Assert.False(tree.TryFindHole(new IovaSpan(ulong.MaxValue, ulong.MaxValue), 0, out _));
    }

    [Fact]
    public void AnIntervalOfEverythingLeavesNoHole()
    {
        var tree = new IntervalTree<Interval>();
        Assert.True(tree.TryFindHole(new IovaSpan(0, ulong.MaxValue), ulong.MaxValue, out IovaSpan hole));
        Assert.Equal(new IovaSpan(0, ulong.MaxValue), hole);
        tree.Insert(0, ulong.MaxValue, new Interval(0, ulong.MaxValue));
        Assert.False(tree.TryFindHole(new IovaSpan(5, 5), 0, out _));
    }

    [Fact]
    public void AWideHoleAmongAHundredThousandIntervalsIsFoundWithoutLookingAtThem()
    {
        var tree = new IntervalTree<Interval>();
        for (ulong i = 0; i < 100_000; i++)
        {
            ulong first = (i * 16) + (i >= 99_000 ? 4096UL : 0);
            tree.Insert(first, first + 7, new Interval(first, first + 7));
        }

        for (int i = 0; i < 20_000; i++)
        {
            Assert.True(tree.TryFindHole(new IovaSpan(0, ulong.MaxValue), 100, out IovaSpan hole));
            Assert.Equal(new IovaSpan((99_000 * 16) - 8, (99_000 * 16) + 4095), hole);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AMillionIntervalsTakeLessThanSixtyBytesEach(bool shuffled)
    {
        const int count = 1_000_000;
        uint[] order = [.. Enumerable.Range(0, count).Select(i => (uint)i)];
        if (shuffled)
        {
            new Random(7).Shuffle(order);
        }

        var interval = new Interval(0, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var tree = new IntervalTree<Interval>();
        foreach (uint i in order)
        {
            tree.Insert((ulong)i << 13, ((ulong)i << 13) + 4095, interval);
        }

        long bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / count;
        Assert.InRange(bytes, 24, shuffled ? 60 : 32);
        foreach (uint i in order)
        {
            tree.Remove((ulong)i << 13);
        }

        Assert.Null(tree.FirstOfAll());
    }

    private static void Compare(IntervalTree<Interval> tree, List<Interval> model, Random random, ulong origin)
    {
        ulong room = ulong.MaxValue - origin;
        ulong first = origin + (random.NextWord() % Math.Min(room, 210_000));
        ulong last = first + Math.Min(random.NextWord() % 3000, ulong.MaxValue - first);
        Assert.Same(model.Find(i => i.Last >= first && i.First <= last), tree.FirstIn(first, last));
        Assert.Same(model.Find(i => i.First > first), tree.After(first) is { } after && after.First <= first ? tree.After(after.Last) : tree.After(first));
        ulong lengthLessOne = random.NextWord() % (random.Chance(50) ? 50UL : 2000UL);
        bool expected = TryFindHole(model, first, last, lengthLessOne, out IovaSpan hole);
        Assert.Equal(expected, tree.TryFindHole(new IovaSpan(first, last), lengthLessOne, out IovaSpan found));
        if (expected)
        {
            Assert.Equal(hole, found);
        }
    }

    private static bool TryFindHole(List<Interval> model, ulong first, ulong last, ulong lengthLessOne, out IovaSpan hole)
    {
        UInt128 at = first;
        foreach (Interval interval in model.Where(i => i.Last >= first && i.First <= last))
        {
            if (interval.First > at && interval.First - at > lengthLessOne)
            {
                hole = new IovaSpan((ulong)at, interval.First - 1);
                return true;
            }

            at = (UInt128)interval.Last + 1;
        }

        bool found = at <= last && last - at >= lengthLessOne;
        hole = found ? new IovaSpan((ulong)at, last) : default;
        return found;
    }

    private sealed record Interval(ulong First, ulong Last);
}
