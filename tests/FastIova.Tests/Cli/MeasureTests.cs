using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class MeasureTests
{
    [Fact]
    public void BestIsTheSmallestAndMedianTheMiddleLap() =>
        Assert.Equal(new Timing(1, 3, 5), Timing.Of([5, 1, 4, 2, 3]));

    [Fact]
    public void TheMedianOfAnEvenNumberIsTheMeanOfTheMiddleTwo() =>
        Assert.Equal(new Timing(1, 2.5, 4), Timing.Of([4, 1, 3, 2]));

    [Fact]
    public void TheFastestWayIsTheOneWithTheBestBest() =>
        Assert.Equal(new Timing(1, 9, 3), Timing.Fastest(new Timing(2, 2, 3), new Timing(1, 9, 3), new Timing(3, 3, 3)));

    [Fact]
    public void ContendersAreInterleavedFromARotatingStartAfterAWarmUpThatIsNotCounted()
    {
        var order = new List<char>();
        Timing[] timings = Measure.Interleaved(3, Scripted('a', [100, 3, 1, 2]), Scripted('b', [100, 6, 5, 4]));
        Assert.Equal("ab" + "ab" + "ba" + "ab", string.Concat(order));
        Assert.Equal([new Timing(1, 2, 3), new Timing(4, 5, 3)], timings);

        Func<double> Scripted(char name, double[] laps)
        {
            int lap = 0;
            return () =>
            {
                order.Add(name);
                return laps[lap++];
            };
        }
    }

    [Fact]
    public void EachRunIsPreparedAndItsTimeDividedByItsOperations()
    {
        int prepared = 0;
        int ran = 0;
        var contender = new Contender("counted", 1_000_000_000, () => (ulong)++ran) { Prepare = () => prepared++ };
        Timing timing = Measure.Interleaved(4, contender)[0];
        Assert.Equal(5, ran);
        Assert.Equal(5, prepared);
        Assert.InRange(timing.BestNs, 0, 1);
    }

    [Fact]
    public void AWrongChecksumIsAFailureAndNoTime()
    {
        var contender = new Contender("liar", 1, () => 0xbad) { Expected = 0x600d };
        BenchFailureException failure = Assert.Throws<BenchFailureException>(() => Measure.Interleaved(1, contender));
        Assert.Contains("liar: the checksum of the answers is 0xbad, 0x600d is right", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(1003)]
    public void EveryWayOfRandomLoadsReadsTheSameWords(int count)
    {
        const uint AreaBytes = 64 << 10;
        var random = new Random(count);
        ulong[] words = new ulong[count];
        foreach (ref ulong word in words.AsSpan())
        {
            word = (ulong)random.Next((int)AreaBytes / 8);
        }

        using var loads = RandomLoads.Over(AreaBytes, words);
        Assert.Equal(loads.Expected, loads.Naive());
        Assert.Equal(loads.Expected, loads.EightWide());
        Assert.Equal(loads.Expected, loads.TwoPhase());
        Assert.Equal(loads.Expected, loads.LookAhead());
    }

    [Fact]
    public void ALoadOutsideItsAreaIsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => RandomLoads.Over(4096, [511, 512]));
}
