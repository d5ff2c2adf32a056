using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Bench;

public sealed class ComparisonTests
{
    private static readonly MachineFacts Machine = new("AMD EPYC", 2, 8L << 30, "6.18.0", "10.0.1", "512", "madvise", 4, "0123456789ab", DateTimeOffset.UnixEpoch.AddDays(1));
    private static readonly MachineFacts Later = Machine with { Date = Machine.Date.AddHours(1) };

    private static readonly Report Base = new(
        Machine,
        [
            Time("machine/copy", 0.2),
            Time("look/hot", 0.5, 0.2),
            Time("look/L", 5, 2),
            Time("unmap", 170),
            new Figure("bytes", 8, 8, null, null, TargetUnit.Bytes, 1, Figure.Bytes),
            new Figure("allocated", 0, 0, null, null, TargetUnit.Bytes, 1, Figure.Bytes),
        ]);

    [Fact]
    public void AReportComparedWithItselfHasNothingToSay()
    {
        ComparisonResult result = Compare(Base, Base);
        Assert.All(result.Changes, change => Assert.Equal(Verdict.Equal, change.Verdict));
        Assert.Equal<string[]>(["look/hot", "look/L", "unmap", "bytes", "allocated"], [.. result.Changes.Select(change => change.Id)]);
    }

    [Theory]
    [InlineData("look/hot")]
    [InlineData("look/L")]
    [InlineData("unmap")]
    [InlineData("bytes")]
    public void TenPerCentPlantedInACopiedReportAreFoundAndNothingElseIs(string planted)
    {
        ComparisonResult result = Compare(Base, With(Base, planted, figure => figure with { BestNs = figure.BestNs * 1.1, MedianNs = figure.MedianNs * 1.1 }));
        Assert.Equal(planted, Assert.Single(result.With(Verdict.Regressed)).Id);
    }

    [Fact]
    public void AMachineThatIsSlowerIsNoRegression()
    {
        Report slower = new(Later, [.. Base.Figures.Select(figure => string.Equals(figure.Unit, Figure.Bytes, StringComparison.Ordinal) ? figure : figure with { BestNs = figure.BestNs * 1.5, MedianNs = figure.MedianNs * 1.5, BoundNs = figure.BoundNs * 1.5 })]);
        ComparisonResult result = Compare(Base, slower);
        Assert.Empty(result.With(Verdict.Regressed));
        Assert.Equal(1.5, Math.Exp(result.Drift), 1e-9);
    }

    [Fact]
    public void ABoundThatBecameFasterAloneIsNoRegression()
    {
        Report other = With(Base with { Machine = Later }, "look/L", figure => figure with { BoundNs = figure.BoundNs / 2 });
        Assert.Empty(Compare(Base, other).With(Verdict.Regressed));
    }

    [Fact]
    public void OneByteWhereThereWasNoneIsARegression()
    {
        Report other = With(Base with { Machine = Later }, "allocated", figure => figure with { BestNs = 1, MedianNs = 1 });
        FigureChange change = Assert.Single(Compare(Base, other).With(Verdict.Regressed));
        Assert.Equal("from zero", CompareText.Cells(change)[3]);
    }

    [Fact]
    public void AFigureOfOneSideIsNamedAndAccusesNobody()
    {
        Report other = new(Later, [.. Base.Figures.Where(figure => figure.Id is not "unmap"), Time("new/one", 1)]);
        ComparisonResult result = Compare(Base, other);
        Assert.Equal<string[]>(["new/one", "unmap"], [.. result.With(Verdict.Alone).Select(change => change.Id)]);
        Assert.Equal("new", CompareText.Word(result.With(Verdict.Alone).First()));
        Assert.Equal("gone", CompareText.Word(result.With(Verdict.Alone).Last()));
        Assert.Empty(result.With(Verdict.Regressed));
    }

    [Fact]
    public void OtherMachinesAndInstructionSetsAreRemarkedOn()
    {
        ComparisonResult result = Compare(Base, Base with { Machine = Later with { CpuModel = "Other", Isa = "256" } });
        Assert.Contains(result.Remarks, remark => remark.Contains("processors differ (AMD EPYC, Other)", StringComparison.Ordinal));
        Assert.Contains(result.Remarks, remark => remark.Contains("FASTIOVA_ISA", StringComparison.Ordinal));
    }

    [Fact]
    public void ABuildThatDoesNotMeasureASuspectAgainIsAFailure()
    {
        var first = new Scripted(Base);
        var second = new Scripted(With(Base, "look/L", figure => figure with { BestNs = 7, MedianNs = 7 })) { Forgets = "look/L" };
        BenchFailureException failure = Assert.Throws<BenchFailureException>(() => new Comparison(new CompareTerms(0.05, 9), _ => { }).Run(
            new ComparedSide("a", null, first), new ComparedSide("b", null, second), []));
        Assert.Contains("did not measure 'look/L' again", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BuildsTakeTurnsAndOnlyWhatIsSuspiciousIsMeasuredAgain()
    {
        var log = new List<string>();
        var first = new Scripted(Base) { Log = log, Name = "a" };
        var second = new Scripted(With(Base, "look/L", figure => figure with { BestNs = 7, MedianNs = 7 })) { Log = log, Name = "b" };
        ComparisonResult result = new Comparison(new CompareTerms(0.05, 9), _ => { }).Run(new ComparedSide("a", null, first), new ComparedSide("b", null, second), []);
        Assert.Equal("look/L", Assert.Single(result.With(Verdict.Regressed)).Id);
        Assert.Equal<string[]>(["a all", "b all", "b all", "a all", "a machine/ look/L", "b machine/ look/L", "b machine/ look/L", "a machine/ look/L"], [.. log.Take(8)]);
    }

    [Theory]
    [InlineData("22.28 17.52 12.88 3/217 6865", 2, true)]
    [InlineData("0.77 1.87 2.00 1/217 6865", 2, false)]
    [InlineData("nonsense", 2, false)]
    public void ABusyMachineIsNamedAsOne(string load, int processors, bool busy) => Assert.Equal(busy, MachineLoad.Complaint(load, processors) is not null);

    [Fact]
    public void TheSummaryBeginsWithWhatIsSlowerAndFoldsTheRest()
    {
        string markdown = CompareMarkdown.Of(Compare(Base, With(Base, "unmap", figure => figure with { BestNs = 187, MedianNs = 187 })));
        Assert.StartsWith("## ❌ Benchmarks: Of 5 figures 1 is slower by more than 5 %.\n\n### Slower\n", markdown, StringComparison.Ordinal);
        Assert.Contains("| unmap | 170 ns | 187 ns | +10.0 % |", markdown, StringComparison.Ordinal);
        Assert.Contains("<details><summary>All figures</summary>", markdown, StringComparison.Ordinal);
        Assert.StartsWith("## ✅ Benchmarks: No figure of 5 is slower", CompareMarkdown.Of(Compare(Base, Base)), StringComparison.Ordinal);
    }

    private static Figure Time(string id, double best, double? bound = null) => new(id, best, best * 1.01, bound, null, TargetUnit.Ratio, 9);

    private static Report With(Report report, string id, Func<Figure, Figure> change) =>
        report with { Figures = [.. report.Figures.Select(figure => string.Equals(figure.Id, id, StringComparison.Ordinal) ? change(figure) : figure)] };

    private static ComparisonResult Compare(Report old, Report now) =>
        new Comparison(new CompareTerms(0.05, 0), _ => { }).Run(new ComparedSide("old", old, null), new ComparedSide("new", now, null), []);

    private sealed class Scripted(Report report) : IBuild
    {
        private int _calls;

        public string Name { get; init; } = "scripted";

        internal List<string> Log { get; init; } = [];

        internal string? Forgets { get; init; }

        public Report Measure(IReadOnlyList<string> only)
        {
            Log.Add($"{Name} {(only.Count == 0 ? "all" : string.Join(' ', only))}");
            bool forgets = ++_calls > 2;
            return report with
            {
                Figures = [.. report.Figures.Where(figure => (only.Count == 0 || only.Any(prefix => figure.Id.StartsWith(prefix, StringComparison.Ordinal))) && !(forgets && string.Equals(figure.Id, Forgets, StringComparison.Ordinal)))],
            };
        }
    }
}
