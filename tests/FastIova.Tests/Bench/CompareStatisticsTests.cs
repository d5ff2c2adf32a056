using FastIova.Cli;
using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests.Bench;

public sealed class CompareStatisticsTests
{
    private const int Figures = 40;
    private static readonly CompareTerms Terms = new(CompareTerms.DefaultRegression, CompareTerms.DefaultRounds);

    [Theory]
    [InlineData(0.005, 60)]
    [InlineData(0.02, 60)]
    [InlineData(0.04, 40)]
    public void BetweenTwoEqualBuildsNothingIsReported(double noise, int comparisons) => Seeded.Run(4711, random =>
    {
        for (int i = 0; i < comparisons; i++)
        {
            ComparisonResult result = Compare(random, noise, _ => 0);
            Assert.Empty(result.With(Verdict.Regressed).Select(change => $"comparison {i}: {change.Id} {change.Fraction:P1} after {change.Judgement.Rounds} rounds"));
        }
    });

    [Theory]
    [InlineData(0.005, 60)]
    [InlineData(0.02, 60)]
    public void ASlowDownOfTenPerCentIsFoundEachTimeAndOnlyWhereItIs(double noise, int comparisons) => Seeded.Run(1848, random =>
    {
        for (int i = 0; i < comparisons; i++)
        {
            int planted = random.Next(Figures);
            ComparisonResult result = Compare(random, noise, figure => figure == planted ? 0.1 : 0);
            Assert.Equal<string[]>([$"figure/{planted:00}"], [.. result.With(Verdict.Regressed).Select(change => change.Id)]);
        }
    });

    [Fact]
    public void ASlowDownOfEverythingIsFoundThoughNothingStandsStill() => Seeded.Run(7, random =>
    {
        ComparisonResult result = Compare(random, 0.01, _ => 0.1);
        Assert.Equal(Figures, result.With(Verdict.Regressed).Count());
    });

    [Fact]
    public void ASpeedUpIsNoRegression() => Seeded.Run(8, random =>
    {
        ComparisonResult result = Compare(random, 0.01, figure => figure == 1 ? -0.2 : 0);
        Assert.Empty(result.With(Verdict.Regressed));
        Assert.Equal("figure/01", Assert.Single(result.With(Verdict.Faster)).Id);
    });

    [Fact]
    public void EqualBuildsCostFewRounds() => Seeded.Run(9, random =>
    {
        var machine = new SyntheticMachine(random);
        var first = new SyntheticBuild(machine, Figures, 0.01, _ => 0);
        var second = new SyntheticBuild(machine, Figures, 0.01, _ => 0);
        ComparisonResult result = new Comparison(Terms, _ => { }).Run(new ComparedSide("a", null, first), new ComparedSide("b", null, second), []);
        Assert.InRange(result.Changes.Average(change => change.Judgement.Rounds), 1, 8);
        Assert.Equal(first.Processes, second.Processes);
    });

    [Fact]
    public void ABuildAgainstAReportFindsTenPerCentAndNothingBetweenEqualOnes() => Seeded.Run(10, random =>
    {
        int found = 0;
        for (int i = 0; i < 40; i++)
        {
            var machine = new SyntheticMachine(random);
            Report old = Merged(machine, 0.01, _ => 0, 5);
            var equal = new SyntheticBuild(machine, Figures, 0.01, _ => 0);
            var slower = new SyntheticBuild(machine, Figures, 0.01, figure => figure == 4 ? 0.1 : 0);
            Assert.Empty(Against(old, equal).With(Verdict.Regressed).Select(change => $"{i}: {change.Id} {change.Fraction:P1} ± {change.NoiseFraction:P1}"));
            found += Against(old, slower).With(Verdict.Regressed).Any(change => change.Id is "figure/04") ? 1 : 0;
        }

        Assert.Equal(40, found);
    });

    [Fact]
    public void TwoReportsOfSeveralRunsFindTenPerCentAndNothingBetweenEqualOnes() => Seeded.Run(11, random =>
    {
        int found = 0;
        for (int i = 0; i < 40; i++)
        {
            var machine = new SyntheticMachine(random);
            Report old = Merged(machine, 0.01, _ => 0, 7);
            Assert.Empty(Reports(old, Merged(machine, 0.01, _ => 0, 7)).With(Verdict.Regressed).Select(change => $"{i}: {change.Id} {change.Fraction:P1} ± {change.NoiseFraction:P1}"));
            found += Reports(old, Merged(machine, 0.01, figure => figure == 4 ? 0.1 : 0, 7)).With(Verdict.Regressed).Any(change => change.Id is "figure/04") ? 1 : 0;
        }

        Assert.Equal(40, found);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatABuildWasSeenToDoByItselfAccusesNobody(bool oddOne)
    {
        static Figure Of(double best) => new("a", best, best * 1.002, 1, null, TargetUnit.Ratio, 9);
        var samples = new UnpairedSamples(Terms.MaxRegression);
        samples.AddBase(Of(2));
        samples.AddNew(Of(2.35), 0);
        for (int i = 0; i < CompareTerms.RoundsLeast; i++)
        {
            samples.AddGauge(Of(oddOne && i == 4 ? 2.4 : 2), 0);
        }

        Assert.Equal(oddOne ? Verdict.Unclear : Verdict.Regressed, samples.Judge(last: true).Verdict);
    }

    [Fact]
    public void ReportsOfOneProcessEachAccuseNobodyUnlessTheyAreOneMeasurement()
    {
        static Judgement Of(bool same)
        {
            var samples = new UnpairedSamples(Terms.MaxRegression) { SameMeasurement = same };
            samples.AddBase(new Figure("a", 2, 2, 1, null, TargetUnit.Ratio, 9));
            samples.AddNew(new Figure("a", 2.8, 2.8, 1, null, TargetUnit.Ratio, 9), 0);
            return samples.Judge(last: true);
        }

        Assert.Equal(Verdict.Unclear, Of(same: false).Verdict);
        Assert.Equal(Verdict.Regressed, Of(same: true).Verdict);
    }

    [Theory]
    [InlineData(5, 0.01)]
    [InlineData(10, 0.001)]
    [InlineData(20, 0.01)]
    public void TheRankIsTheLargestWhoseRiskIsAllowed(int count, double risk)
    {
        // Counted one by one: every set of signs is as likely as every other.
        int[] sums = new int[(count * (count + 1) / 2) + 1];
        for (int signs = 0; signs < 1 << count; signs++)
        {
            int sum = 0;
            for (int rank = 1; rank <= count; rank++)
            {
                sum += (signs >> (rank - 1) & 1) * rank;
            }

            sums[sum]++;
        }

        int expected = 0;
        long below = 0;
        while (below + sums[expected] <= risk * (1 << count))
        {
            below += sums[expected++];
        }

        Assert.Equal(expected, PairedLimits.RankFor(count, risk));
    }

    [Fact]
    public void TheLimitsOfFewDifferencesAreInfiniteAndTheMiddleIgnoresAnOutlier()
    {
        Assert.Equal((double.NegativeInfinity, double.PositiveInfinity), PairedLimits.Of([1, 2, 3], 0.01));
        Assert.Equal((1, 7), PairedLimits.Of([7, 2, 3, 4, 5, 6, 1], 0.01));
        Assert.Equal((1, 1), PairedLimits.Of([1, 1, 1, 1, -50, 1, 1, 1, 1, 1, 1, 50], 0.01));
        Assert.Equal(1, PairedLimits.Middle([1, 1, 1, 1, 1, 1, 50]));
        Assert.Equal(2, PairedLimits.PlaceFor(12, 0.01));
    }

    private static ComparisonResult Compare(Random random, double noise, Func<int, double> slower)
    {
        var machine = new SyntheticMachine(random);
        return new Comparison(Terms, _ => { }).Run(
            new ComparedSide("base", null, new SyntheticBuild(machine, Figures, noise, _ => 0)),
            new ComparedSide("new", null, new SyntheticBuild(machine, Figures, noise, slower)),
            []);
    }

    private static ComparisonResult Against(Report old, IBuild build) =>
        new Comparison(Terms, _ => { }).Run(new ComparedSide("base", old, null), new ComparedSide("new", null, build), []);

    private static ComparisonResult Reports(Report old, Report now) =>
        new Comparison(Terms, _ => { }).Run(new ComparedSide("base", old, null), new ComparedSide("new", now, null), []);

    private static Report Merged(SyntheticMachine machine, double noise, Func<int, double> slower, int runs)
    {
        var build = new SyntheticBuild(machine, Figures, noise, slower);
        return MergedReport.Of([.. Enumerable.Range(0, runs).Select(_ => build.Measure([]))]);
    }
}
