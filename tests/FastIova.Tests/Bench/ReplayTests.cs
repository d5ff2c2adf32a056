using FastIova.Cli;
using Xunit;

namespace FastIova.Tests;

/// <summary>The replay of recorded traffic: everybody gives the recorded answers, and a wrong one is seen.</summary>
public sealed class ReplayTests
{
    private const ushort Device = 0x20;
    private const ushort OtherDevice = 0x30;

    private static TraceRecord[] Tiny { get; } =
    [
        new(TraceOp.Attach, 0, Device, 1, 0, 0),
        new(TraceOp.Attach, 0, OtherDevice, 0, 0, 0),
        new(TraceOp.Map, 1, 1, 1, 0x8000, 0x123000),
        new(TraceOp.Map, 1, 1, 1, 0x9000, 0x5000),
        new(TraceOp.Map, 3, 1, 4, 0x1ff000, 0x7000),
        new(TraceOp.Mark, 0, 0, 1, 0, 0),
        new(TraceOp.Map, 2, 0, 512, 0x40_0000, 0x20_0000),
        new(TraceOp.Translate, 1, Device, 1, 0x8010, 0x123010),
        new(TraceOp.Translate, 2, Device, 4, 0x202fff, 0xafff),
        new(TraceOp.Translate, 0, Device, 1, 0x9001, 0x5001),
        .. Enumerable.Range(0, 40).Select(i => new TraceRecord(TraceOp.Translate, 2, OtherDevice, 512, 0x40_0000 + ((ulong)i * 0x2010), 0x20_0000 + ((ulong)i * 0x2010))),
        new(TraceOp.Unmap, 0, 1, 2, 0x8000, 0),
        new(TraceOp.InvalidateRange, 0, 1, 2, 0x8000, 7),
        new(TraceOp.Map, 1, 1, 1, 0x8000, 0x6000),
        new(TraceOp.Translate, 1, Device, 1, 0x8020, 0x6020),
        new(TraceOp.Detach, 0, OtherDevice, 0, 0, 0),
        new(TraceOp.Attach, 0, OtherDevice, 1, 0, 0),
        new(TraceOp.Translate, 1, OtherDevice, 1, 0x8030, 0x6030),
        new(TraceOp.Unmap, 0, 1, 4, 0x1ff000, 0),
        new(TraceOp.Mark, 0, 0, 2, 0, 0),
    ];

    public static TheoryData<int> Translations { get; } = new(Enumerable.Range(0, Tiny.Length).Where(i => Tiny[i].Op == TraceOp.Translate && (i < 14 || i > 45)));

    [Fact]
    public void ATinyTraceIsReplayedByAll() => ReplayByAll(new ReplayProgram("tiny", Tiny));

    [Fact]
    public void AShippedTraceIsReplayedByAll() =>
        ReplayByAll(new ReplayProgram(DmaTrace.Load(ShippedTraces.Find("ext4_tree_strict"))));

    [Theory]
    [MemberData(nameof(Translations))]
    public void AWrongAnswerIsSeen(int index)
    {
        TraceRecord[] records = [.. Tiny];
        TraceRecord right = records[index];
        records[index] = new TraceRecord(right.Op, right.Flags, right.Id, right.Length, right.Iova, right.Address ^ 0x1000);
        using var program = new ReplayProgram("wrong", records);
        using var engine = new EngineReplay(program);
        using var comparator = new ComparatorReplay<TwoLevelTarget, Locked>(program);
        Assert.NotEqual(0UL, engine.Run());
        Assert.NotEqual(0UL, comparator.Run());
        comparator.Clear();
        var plan = new PipelinePlan(program);
        using var pipeline = new EnginePipeline(plan);
        Assert.Throws<BenchFailureException>(() => pipeline.Lap());
        Assert.Throws<BenchFailureException>(() => new ComparatorPipeline(plan, comparator).Lap());
    }

    [Fact]
    public void ALostMapIsSeen()
    {
        using var program = new ReplayProgram("lost", [.. Tiny[..2], .. Tiny[3..]]);
        using var engine = new EngineReplay(program);
        Assert.NotEqual(0UL, engine.Run());
    }

    [Fact]
    public void ConsecutiveRecordsBecomeStepsInTheirOrder()
    {
        using var program = new ReplayProgram("tiny", Tiny);
        Assert.Equal(Tiny.Length, program.Records);
        Assert.Equal(
            [ReplayKind.Attach, ReplayKind.Attach, ReplayKind.Map, ReplayKind.Map, ReplayKind.Translate, ReplayKind.Translate, ReplayKind.Unmap,
                ReplayKind.Map, ReplayKind.Translate, ReplayKind.Detach, ReplayKind.Attach, ReplayKind.Translate, ReplayKind.Unmap],
            program.Steps.Select(step => step.Kind));
        Assert.Equal([2, 1, 0, 0, 1], program.Alike);
    }

    private static void ReplayByAll(ReplayProgram made)
    {
        using ReplayProgram program = made;
        using var engine = new EngineReplay(program);
        IComparatorReplay[] comparators =
        [
            new ComparatorReplay<TwoLevelTarget, Locked>(program),
            new ComparatorReplay<DictionaryTarget, Unlocked>(program),
            new ComparatorReplay<IntervalTreeTarget, Locked>(program),
            new ComparatorReplay<SortedArrayTarget, Unlocked>(program),
        ];
        for (int lap = 0; lap < 2; lap++)
        {
            engine.Clear();
            Assert.Equal(0UL, engine.Run());
            Assert.All(comparators, comparator =>
            {
                comparator.Clear();
                Assert.Equal(0UL, comparator.Run());
            });
        }

        var plan = new PipelinePlan(program);
        using (var pipeline = new EnginePipeline(plan))
        {
            Assert.InRange(pipeline.Lap(), 0, double.MaxValue);
            Assert.InRange(pipeline.Lap(), 0, double.MaxValue);
        }

        Assert.InRange(new ComparatorPipeline(plan, comparators[0]).Lap(), 0, double.MaxValue);
        Assert.All(comparators, comparator => comparator.Dispose());
    }
}
