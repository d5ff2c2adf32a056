using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.Intervals;

public sealed class SpanSetTests
{
    [Fact]
    public void SpansThatOverlapOrTouchAreOne()
    {
        var set = SpanSet.Of([new(10, 19), new(30, 39), new(20, 25), new(5, 12), new(ulong.MaxValue, ulong.MaxValue)]);
        Assert.Equal([new(5, 25), new(30, 39), new(ulong.MaxValue, ulong.MaxValue)], set.Spans.ToArray());
    }

    [Fact]
    public void EverythingHasNoHoleAndNothingHasOne()
    {
        var all = new IovaSpan(0, ulong.MaxValue);
        Assert.False(SpanSet.Of([all]).TryFirstHole(all, out _));
        Assert.True(SpanSet.Empty.TryFirstHole(all, out IovaSpan hole));
        Assert.Equal(all, hole);
        Assert.False(SpanSet.Empty.TryFirstUsed(all, out _));
        Assert.True(SpanSet.Empty.IsEmpty);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void TheSetAnswersAsABitmapDoes(int seed) => Seeded.Run(seed, random =>
    {
        for (int round = 0; round < 300; round++)
        {
            ulong origin = random.Pick(0UL, ulong.MaxValue - 63);
            bool[] bits = new bool[64];
            var spans = new List<IovaSpan>();
            for (int i = random.Next(6); i > 0; i--)
            {
                int first = random.Next(64);
                int last = random.Next(first, Math.Min(64, first + 12));
                spans.Add(new IovaSpan(origin + (ulong)first, origin + (ulong)last));
                bits.AsSpan(first, last - first + 1).Fill(value: true);
            }

            SpanSet set = SpanSet.Of([.. spans]);
            int from = random.Next(64);
            int to = random.Next(from, 64);
            var within = new IovaSpan(origin + (ulong)from, origin + (ulong)to);
            Assert.Equal(bits.AsSpan(from, to - from + 1).Contains(value: true), set.Overlaps(within));
            Assert.Equal(Run(bits, from, to, wanted: true, origin), set.TryFirstUsed(within, out IovaSpan used) ? used : null);
            Assert.Equal(Run(bits, from, to, wanted: false, origin), set.TryFirstHole(within, out IovaSpan hole) ? hole : null);
        }
    });

    private static IovaSpan? Run(bool[] bits, int from, int to, bool wanted, ulong origin)
    {
        while (from <= to && bits[from] != wanted)
        {
            from++;
        }

        int last = from;
        while (last < to && bits[last + 1] == wanted)
        {
            last++;
        }

        return from > to ? null : new IovaSpan(origin + (ulong)from, origin + (ulong)last);
    }
}
