using FastIova.KernelTraces;
using Xunit;

namespace FastIova.Tests.KernelTraces;

/// <summary>What Linux answered is what the engine answers. The traces use fixed addresses, and count every pin of the process.</summary>
[CollectionDefinition(nameof(RecordedAnswers), DisableParallelization = true)]
public sealed class RecordedAnswers;

[Collection(nameof(RecordedAnswers))]
public sealed class RecordedAnswersTests
{
    private const string Old = "6.12";
    private const string New = "7.3";
    private const int TracesToOneFaulty = 4;

    private static readonly string[] Common = ["std", "fault", "notest", "cont", "rlimit", "huge", "long"];

    private static readonly Dictionary<string, Lazy<IReadOnlyList<TraceSet>>> ByRelease = new[] { Old, New }.ToDictionary(
        release => release,
        release => new Lazy<IReadOnlyList<TraceSet>>(() => TraceSet.Find(CommandLine.ShippedFolder(release))),
        StringComparer.Ordinal);

    public static TheoryData<string, string> Sets => SetsOf(Old, New);

    [Theory]
    [MemberData(nameof(Sets))]
    public void EveryLineIsUnderstood(string release, string name)
    {
        TraceSet set = Set(release, name);
        Assert.NotEqual(0, set.Operations);
        Assert.Empty(SelfCheck.Run(set));
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void TheEngineAnswersAsTheKernelDid(string release, string name)
    {
        TraceSet set = Set(release, name);
        using HugePagePool? pool = set.Traces.Any(trace => trace.HasHugePages) ? HugePagePool.Open() : null;
        Assert.SkipWhen(pool is not null && !UserMemory.HasHugePages(), "no 2 MiB pages: echo 8 > /proc/sys/vm/nr_hugepages");
        using var target = new InProcessTarget(CommandLine.LevelOf(release));
        var replay = new SetReplay(target, TextWriter.Null, outputFolder: null);
        Differences differences = replay.Run(set);
        using var report = new StringWriter();
        differences.WriteSummary(report);
        Assert.True(differences.Differing == 0, $"{differences.Differing} of {differences.Operations} operations differ:\n{report}");
        Assert.Empty(replay.Held);
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void NothingIsLostWhenStepsFail(string release, string name)
    {
        TraceSet set = Set(release, name);
        using HugePagePool? pool = set.Traces.Any(trace => trace.HasHugePages) ? HugePagePool.Open() : null;
        Assert.SkipWhen(pool is not null && !UserMemory.HasHugePages(), "no 2 MiB pages: echo 8 > /proc/sys/vm/nr_hugepages");
        using var target = new FaultyTarget(new InProcessTarget(CommandLine.LevelOf(release)), set.Operations);
        var replay = new SetReplay(target, TextWriter.Null, outputFolder: null);
        replay.Run(set with { Traces = [.. set.Traces.Where((_, index) => index % TracesToOneFaulty == 0)] });
        Assert.NotEqual(0, target.Failures);
        Assert.Empty(replay.Held);
    }

    [Theory]
    [InlineData(Old)]
    [InlineData(New)]
    public void EveryRecordedSetIsTested(string release) => Assert.Equal(
        SetsOf(release).Select(row => row.Data.Item2).Order(StringComparer.Ordinal),
        ByRelease[release].Value.Select(set => set.Name).Order(StringComparer.Ordinal));

    private static TheoryData<string, string> SetsOf(params ReadOnlySpan<string> releases)
    {
        var data = new TheoryData<string, string>();
        foreach (string release in releases)
        {
            foreach (string name in (string[])[.. Common, string.Equals(release, Old, StringComparison.Ordinal) ? "directed" : "directed73"])
            {
                data.Add(release, name);
            }
        }

        return data;
    }

    private static TraceSet Set(string release, string name) => ByRelease[release].Value.Single(set => string.Equals(set.Name, name, StringComparison.Ordinal));
}
