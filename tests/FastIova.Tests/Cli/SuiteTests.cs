using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class SuiteTests
{
    [Theory]
    [InlineData("map/single/hot", "unmap/single/hot")]
    [InlineData("map/bulk/1GiB")]
    [InlineData("memory/bytes-per-page")]
    [InlineData("alloc/bytes-per-request")]
    public void ASuiteVerifiesWhatItMeasuresAndAddsItsFigures(params string[] ids)
    {
        BenchRun run = Measured(ids);
        Assert.Equal<string[]>(ids, [.. run.Figures.Select(figure => figure.Id)]);
    }

    [Theory]
    [InlineData("unmap/grace/1")]
    [InlineData("unmap/grace/256")]
    [InlineData("ring/publish1")]
    [InlineData("ring/publish8")]
    [InlineData("ring/publish256")]
    [InlineData("scale/2threads")]
    public void ASuiteOfTwoThreadsDoesToo(string id)
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "needs two processors");
        Assert.Equal(id, Assert.Single(Measured([id]).Figures).Id);
    }

    [Fact]
    public void TheDataPathAllocatesNothing() => Assert.Equal(0, Measured(["alloc/bytes-per-request"]).Figures[0].BestNs);

    [Fact]
    public void ATableOfPagesTakesEightBytesAPageAndLittleMore()
    {
        Figure figure = Measured(["memory/bytes-per-page"]).Figures[0];
        Assert.InRange(figure.BestNs, 8, 8.1);
    }

    [Fact]
    public void AFailureOfATeamMemberIsThrownWhereTheTeamWasRun()
    {
        var team = new PinnedTeam(1);
        BenchFailureException failure = Assert.Throws<BenchFailureException>(() => team.Run(() => throw new InvalidDataException("broken")));
        Assert.Contains("broken", failure.Message, StringComparison.Ordinal);
        Assert.True(team.IsOver);
    }

    [Fact]
    public void ATeamLargerThanTheMachineIsRefused() => Assert.Throws<BenchFailureException>(() => new PinnedTeam(100_000));

    [Fact]
    public void ScatteredPlacesAreDifferentPagesAndDifferentWords()
    {
        var places = new ScatteredPlaces(1UL << 26, 4096);
        Assert.Equal(4096, places.Iovas.Distinct().Count());
        Assert.All(places.Iovas, iova => Assert.True(iova % 4096 == 0 && iova < 1UL << 26));
        ulong[] words = places.Words(out int lines);
        Assert.Equal(4096, words.Distinct().Count());
        Assert.Equal(lines, words.Select(word => word / 8).Distinct().Count());
    }

    private static BenchRun Measured(string[] only)
    {
        var run = new BenchRun(new BenchOptions(true, 1, only, [], null), _ => { });
        foreach (ISuite suite in Suites.All)
        {
            suite.Run(run);
        }

        return run;
    }
}
