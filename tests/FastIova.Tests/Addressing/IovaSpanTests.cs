using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed class IovaSpanTests
{
    private static readonly ulong[] Edges =
        [0, 1, 2, 0xFFF, 0x1000, (1UL << 48) - 1, 1UL << 48, (1UL << 63) - 1, 1UL << 63, ulong.MaxValue - 0x1000, ulong.MaxValue - 1, ulong.MaxValue];

    [Fact]
    public void TheSpanAtTheVeryTopOfTheSpaceExists()
    {
        Assert.True(IovaSpan.TryCreate(ulong.MaxValue, 1, out IovaSpan top));
        Assert.Equal(new IovaSpan(ulong.MaxValue, ulong.MaxValue), top);
        Assert.Equal((UInt128)1, top.Length);
    }

    [Fact]
    public void ASpanIsMadeExactlyWhenItHoldsAByteAndEndsInsideTheSpace()
    {
        foreach (ulong first in Edges)
        {
            foreach (ulong length in Edges)
            {
                bool fits = length != 0 && (UInt128)first + length <= (UInt128)1 << 64;
                Assert.Equal(fits, IovaSpan.TryCreate(first, length, out IovaSpan span));
                Assert.Equal(fits ? (first, (UInt128)length) : (0, 1), (span.First, span.Length));
            }
        }
    }

    [Fact]
    public void TheWholeSpaceHasALengthThatNeeds65Bits()
    {
        var all = new IovaSpan(0, ulong.MaxValue);
        Assert.Equal((UInt128)1 << 64, all.Length);
        Assert.Equal(ulong.MaxValue, all.LengthLessOne);
    }

    [Fact]
    public void ContainsAndOverlapsAgreeWithWideArithmeticAtEveryEdge()
    {
        foreach (ulong first in Edges)
        {
            foreach (ulong last in Edges.Where(last => last >= first))
            {
                var span = new IovaSpan(first, last);
                foreach (ulong iova in Edges)
                {
                    Assert.Equal(iova >= first && iova <= last, span.Contains(iova));
                    var other = new IovaSpan(iova, Math.Max(iova, last));
                    Assert.Equal(Math.Max(first, other.First) <= Math.Min(last, other.Last), span.Overlaps(other));
                    Assert.Equal(Math.Max(first, other.First) <= Math.Min(last, other.Last), other.Overlaps(span));
                    Assert.Equal(other.First >= first && other.Last <= last, span.Contains(other));
                }
            }
        }
    }

    [Fact]
    public void ARefusedSpanSaysTheValueAndTheRemedy()
    {
        ArgumentOutOfRangeException empty = Assert.Throws<ArgumentOutOfRangeException>(() => IovaSpan.Of(0x5000, 0));
        Assert.Contains("0x5000", empty.Message, StringComparison.Ordinal);
        ArgumentOutOfRangeException wraps = Assert.Throws<ArgumentOutOfRangeException>(() => IovaSpan.Of(ulong.MaxValue - 0x2FFF, 0x4000));
        Assert.Contains("at most 0x3000 bytes", wraps.Message, StringComparison.Ordinal);
        Assert.Equal("[0x1000, 0x1fff]", IovaSpan.Of(0x1000, 0x1000).ToString());
    }

    [Fact]
    public void RandomSpansAgreeWithWideArithmetic() => Seeded.Run(1, random =>
    {
        for (int i = 0; i < 20_000; i++)
        {
            ulong first = random.NextWord() >> random.Next(64);
            ulong length = random.NextWord() >> random.Next(64);
            first = random.Chance(30) ? 0 - first : first;
            bool fits = length != 0 && (UInt128)first + length <= (UInt128)1 << 64;
            Assert.Equal(fits, IovaSpan.TryCreate(first, length, out IovaSpan span));
            if (fits)
            {
                Assert.Equal((UInt128)length, span.Length);
                Assert.Equal((UInt128)first + length - 1, span.Last);
            }
        }
    });
}
