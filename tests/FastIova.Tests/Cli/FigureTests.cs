using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class FigureTests
{
    [Theory]
    [InlineData(2.0, 1.0, 2.0, true)]
    [InlineData(2.5, 1.0, 2.0, false)]
    [InlineData(1.0, 2.0, 0.5, true)]
    public void ARatioTargetIsComparedWithTheRatioOfTheBestToTheBound(double best, double bound, double target, bool met)
    {
        Figure figure = Of(best, bound, target, TargetUnit.Ratio);
        Assert.Equal(best / bound, figure.Ratio);
        Assert.Equal(met, figure.Met);
    }

    [Theory]
    [InlineData(2.5, 2.5, true)]
    [InlineData(2.51, 2.5, false)]
    [InlineData(0.0, 0.0, true)]
    [InlineData(8.0, 0.0, false)]
    public void AnyOtherTargetIsComparedWithTheBestWhateverTheBound(double best, double target, bool met)
    {
        Assert.Equal(met, Of(best, bound: 1000, target, TargetUnit.Nanoseconds).Met);
        Assert.Equal(met, Of(best, bound: 1000, target, TargetUnit.Bytes).Met);
    }

    [Fact]
    public void WithoutATargetNothingIsMetOrMissed() => Assert.Null(Of(1, 1, target: null, TargetUnit.Ratio).Met);

    [Fact]
    public void WithoutABoundThereIsNoRatio() => Assert.Null(Of(1, bound: null, target: null, TargetUnit.Ratio).Ratio);

    [Theory]
    [InlineData(double.NaN, 1.0, "no measurement")]
    [InlineData(-1.0, 1.0, "no measurement")]
    [InlineData(1.0, 0.0, "no bound")]
    [InlineData(1.0, null, "a ratio but there is no bound")]
    public void AFigureThatCannotBeJudgedIsRefused(double best, double? bound, string complaint)
    {
        var run = new BenchRun(new BenchOptions(false, null, [], [], null), _ => { });
        BenchFailureException failure = Assert.Throws<BenchFailureException>(() => run.Add(Of(best, bound, 2, TargetUnit.Ratio)));
        Assert.Contains(complaint, failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("a/b: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoFiguresCannotHaveTheSameId()
    {
        var run = new BenchRun(new BenchOptions(false, null, [], [], null), _ => { });
        run.Add(Of(1, 1, null, TargetUnit.Ratio));
        Assert.Throws<BenchFailureException>(() => run.Add(Of(2, 1, null, TargetUnit.Ratio)));
    }

    private static Figure Of(double best, double? bound, double? target, TargetUnit unit) => new("a/b", best, best, bound, target, unit, 9);
}
