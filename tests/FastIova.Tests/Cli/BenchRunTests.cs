using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class BenchRunTests
{
    [Fact]
    public void WithoutAFilterEveryFigureIsWanted()
    {
        BenchRun run = Only();
        Assert.True(run.Wants("a/b"));
        Assert.True(run.WantsAny("a/"));
        Assert.Empty(run.UnmatchedPrefixes);
    }

    [Fact]
    public void AFilterWantsTheIdsThatBeginWithIt()
    {
        BenchRun run = Only("ring/", "lookup/hot");
        Assert.True(run.Wants("ring/publish/8"));
        Assert.True(run.Wants("lookup/hot/256"));
        Assert.False(run.Wants("lookup/uniform"));
    }

    [Fact]
    public void AGroupIsWantedWhenOneOfItsFiguresMayBe()
    {
        BenchRun run = Only("lookup/hot");
        Assert.True(run.WantsAny("lookup/"), "the filter is narrower than the group");
        Assert.True(run.WantsAny("lookup/hot/256"), "the filter is wider than the group");
        Assert.False(run.WantsAny("ring/"));
    }

    [Fact]
    public void AFilterThatNoIdAnsweredToIsReported()
    {
        BenchRun run = Only("ring/", "rong/");
        _ = run.Wants("ring/publish/8");
        Assert.Equal("rong/", Assert.Single(run.UnmatchedPrefixes));
    }

    [Theory]
    [InlineData(false, null, BenchRun.FullReps)]
    [InlineData(true, null, BenchRun.QuickReps)]
    [InlineData(true, 50, 50)]
    public void TheUsersRepetitionsBeatTheDefault(bool quick, int? asked, int expected) =>
        Assert.Equal(expected, new BenchRun(new BenchOptions(quick, asked, [], [], null), _ => { }).Reps);

    private static BenchRun Only(params string[] prefixes) => new(new BenchOptions(false, null, prefixes, [], null), _ => { });
}
