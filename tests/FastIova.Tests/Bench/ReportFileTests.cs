using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Bench;

public sealed class ReportFileTests
{
    private static readonly Report Sample = new(
        new MachineFacts("AMD EPYC", 2, 8L << 30, "6.18.0", "10.0.1", "512", "madvise", 4, "0123456789ab", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)),
        [
            new Figure("look/hot", 0.25, 0.26, 0.2, 1.25, TargetUnit.Ratio, 9, Note: "µTLB") { Runs = [new(0.25, 0.2), new(0.3, null)] },
            new Figure("unmap", 170, 200, null, 500, TargetUnit.Nanoseconds, 36) { Percentiles = [new(50, 160), new(99.9, 900.5)] },
            new Figure("bytes", 8, 8, null, 8.1, TargetUnit.Bytes, 1, Figure.Bytes),
        ]);

    [Fact]
    public void WhatIsWrittenIsReadAgain()
    {
        Report read = ReportFile.Parse(ReportJson.Of(Sample), "sample");
        Assert.Equal(Sample.Machine, read.Machine);
        Assert.Equal(ReportJson.Of(Sample), ReportJson.Of(read));
    }

    [Fact]
    public void AnOlderReportHasNoRunsAndNoPercentiles()
    {
        Report read = ReportFile.Parse("""{"machine": {"cpu": "x"}, "results": [{"id": "a", "best_ns": 2, "median_ns": 3, "bound_ns": null}]}""", "old");
        Assert.Empty(read.Figures[0].Runs);
        Assert.Empty(read.Figures[0].Percentiles);
        Assert.Equal(2, read.Figures[0].BestNs);
        Assert.Equal("unknown", read.Machine.Commit);
    }

    [Theory]
    [InlineData("no json", "it is no JSON")]
    [InlineData("[]", "no object with 'machine' and 'results'")]
    [InlineData("""{"machine": {}, "results": [{}]}""", "has no 'id'")]
    [InlineData("""{"machine": {}, "results": [{"id": "a"}]}""", "'a' has no number 'best_ns'")]
    [InlineData("""{"machine": {}, "results": [{"id": "a", "best_ns": -1}]}""", "which are no times")]
    [InlineData("""{"machine": {}, "results": [{"id": "a", "best_ns": 1, "bound_ns": 0}]}""", "which are no times")]
    [InlineData("""{"machine": {}, "results": [{"id": "a", "best_ns": 1}, {"id": "a", "best_ns": 1}]}""", "stands there twice")]
    public void WhatIsNoReportIsRefusedWithTheReason(string json, string reason)
    {
        ReportFormatException refused = Assert.Throws<ReportFormatException>(() => ReportFile.Parse(json, "file.json"));
        Assert.Contains("'file.json'", refused.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheMiddleRunIsTheFigureAndTellsOfTheOthers()
    {
        Report Of(double best) => Sample with { Figures = [new Figure("a", best, best, 1, null, TargetUnit.Ratio, 9)] };
        Figure merged = Assert.Single(MergedReport.Of([Of(3), Of(1), Of(2)]).Figures);
        Assert.Equal(2, merged.BestNs);
        Assert.Equal([3, 1, 2], merged.Runs.Select(run => run.BestNs));
    }

    [Fact]
    public void PercentilesAreReadOffSortedTimesAndEndWithTheSlowest()
    {
        double[] times = [.. Enumerable.Range(1, 1000).Select(i => (double)(1001 - i))];
        IReadOnlyList<Percentile> points = Percentile.Read(times);
        Assert.Equal(500, points.Single(point => point.Of == 50).Ns);
        Assert.Equal(990, points.Single(point => point.Of == 99).Ns);
        Assert.Equal(1000, points[^1].Ns);
        Assert.DoesNotContain(points, point => point.Of == 99.99);
    }
}
