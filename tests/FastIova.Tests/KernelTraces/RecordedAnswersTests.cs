using FastIova.KernelTraces;
using Xunit;

namespace FastIova.Tests.KernelTraces;

/// <summary>What Linux 6.12 answered is what the engine answers. The traces use fixed addresses, and count every pin of the process.</summary>
[CollectionDefinition(nameof(RecordedAnswers), DisableParallelization = true)]
public sealed class RecordedAnswers;

[Collection(nameof(RecordedAnswers))]
public sealed class RecordedAnswersTests
{
    private const int TracesToOneFaulty = 4;

    private static readonly Lazy<IReadOnlyList<TraceSet>> Sets = new(() => TraceSet.Find(CommandLine.ShippedFolder("6.12")));

    public static TheoryData<string> SetNames => [.. new[] { "std", "fault", "notest", "cont", "rlimit", "huge", "long", "directed" }];

    [Theory]
    [MemberData(nameof(SetNames))]
    public void EveryLineIsUnderstood(string name)
    {
        TraceSet set = Set(name);
        Assert.NotEqual(0, set.Operations);
        Assert.Empty(SelfCheck.Run(set));
    }

    [Theory]
    [MemberData(nameof(SetNames))]
    public void TheEngineAnswersAsTheKernelDid(string name)
    {
        TraceSet set = Set(name);
        using HugePagePool? pool = set.Traces.Any(trace => trace.HasHugePages) ? HugePagePool.Open() : null;
        Assert.SkipWhen(pool is not null && !UserMemory.HasHugePages(), "no 2 MiB pages: echo 8 > /proc/sys/vm/nr_hugepages");
        using var target = new InProcessTarget(UapiLevel.Linux612);
        var replay = new SetReplay(target, TextWriter.Null, outputFolder: null);
        Differences differences = replay.Run(set);
        using var report = new StringWriter();
        differences.Write(report);
        Assert.True(differences.Differing == 0, $"{differences.Differing} of {differences.Operations} operations differ:\n{report}");
        Assert.Empty(replay.Held);
    }

    [Theory]
    [MemberData(nameof(SetNames))]
    public void NothingIsLostWhenStepsFail(string name)
    {
        TraceSet set = Set(name);
        using HugePagePool? pool = set.Traces.Any(trace => trace.HasHugePages) ? HugePagePool.Open() : null;
        Assert.SkipWhen(pool is not null && !UserMemory.HasHugePages(), "no 2 MiB pages: echo 8 > /proc/sys/vm/nr_hugepages");
        using var target = new FaultyTarget(new InProcessTarget(UapiLevel.Linux612), set.Operations);
        var replay = new SetReplay(target, TextWriter.Null, outputFolder: null);
        replay.Run(set with { Traces = [.. set.Traces.Where((_, index) => index % TracesToOneFaulty == 0)] });
        Assert.NotEqual(0, target.Failures);
        Assert.Empty(replay.Held);
    }

    [Fact]
    public void EveryRecordedSetIsTested() => Assert.Equal(
        SetNames.Select(row => row.Data).Order(StringComparer.Ordinal),
        Sets.Value.Select(set => set.Name).Order(StringComparer.Ordinal));

    private static TraceSet Set(string name) => Sets.Value.Single(set => string.Equals(set.Name, name, StringComparison.Ordinal));
}
