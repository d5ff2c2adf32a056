using System.Text.Json;
using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class ReportTests
{
    private static readonly MachineFacts Machine = new(
        "AMD EPYC 9575F", 2, 8L << 30, "6.18.0", "10.0.1", "512", "madvise", 4, "0123456789ab", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    private static readonly Report Sample = new(
        Machine,
        [
            new Figure("lookup/hot/256", 0.25, 0.26, 0.2, 1.25, TargetUnit.Ratio, 9),
            new Figure("lookup/L", 2.0, 2.5, 1.0, 1.6, TargetUnit.Ratio, 9, Note: "µTLB | misses"),
            new Figure("map/single", 3.0, 3.5, null, 2.5, TargetUnit.Nanoseconds, 9),
            new Figure("memory/entries", 8.1, 8.1, null, null, TargetUnit.Bytes, 1, Figure.Bytes),
        ]);

    [Fact]
    public void TheJsonHasItsPropertiesInAFixedOrder()
    {
        using var json = JsonDocument.Parse(ReportJson.Of(Sample));
        Assert.Equal(["machine", "results"], Names(json.RootElement));
        Assert.Equal(
            ["cpu", "cores", "memory_bytes", "kernel", "dotnet", "isa", "thp", "nr_hugepages", "commit", "date"],
            Names(json.RootElement.GetProperty("machine")));
        Assert.Equal(4, json.RootElement.GetProperty("results").GetArrayLength());
        Assert.All(
            json.RootElement.GetProperty("results").EnumerateArray(),
            result => Assert.Equal(
                ["id", "best_ns", "median_ns", "bound_ns", "ratio", "target", "met", "reps", "unit", "target_unit", "note"],
                Names(result)));
    }

    [Fact]
    public void TheJsonSaysNullWhereThereIsNothing()
    {
        using var json = JsonDocument.Parse(ReportJson.Of(Sample));
        JsonElement[] results = [.. json.RootElement.GetProperty("results").EnumerateArray()];
        Assert.Equal(1.25, results[0].GetProperty("ratio").GetDouble());
        Assert.True(results[0].GetProperty("met").GetBoolean());
        Assert.False(results[1].GetProperty("met").GetBoolean());
        Assert.Equal("µTLB | misses", results[1].GetProperty("note").GetString());
        Assert.Equal(JsonValueKind.Null, results[2].GetProperty("bound_ns").ValueKind);
        Assert.Equal("ns", results[2].GetProperty("target_unit").GetString());
        Assert.Equal(JsonValueKind.Null, results[3].GetProperty("target").ValueKind);
        Assert.Equal(JsonValueKind.Null, results[3].GetProperty("met").ValueKind);
        Assert.Equal("bytes", results[3].GetProperty("unit").GetString());
        Assert.Equal("2026-01-02T03:04:05Z", json.RootElement.GetProperty("machine").GetProperty("date").GetString());
    }

    [Fact]
    public void TheMarkdownListsEachMissedTargetByHowMuchAndWhy()
    {
        string markdown = ReportMarkdown.Of(Sample);
        string missed = markdown[markdown.IndexOf("## Missed targets", StringComparison.Ordinal)..];
        Assert.Contains("* `lookup/L`: 2.00x, 25 % over its target of 1.60x. µTLB | misses", missed, StringComparison.Ordinal);
        Assert.Contains("* `map/single`: 3.00 ns, 20 % over its target of 2.50 ns. No reason is noted.", missed, StringComparison.Ordinal);
        Assert.DoesNotContain("lookup/hot/256", missed, StringComparison.Ordinal);
        Assert.DoesNotContain("memory/entries", missed, StringComparison.Ordinal);
        Assert.Contains("* processor: AMD EPYC 9575F\n", markdown, StringComparison.Ordinal);
        Assert.Contains("µTLB \\| misses |\n", markdown, StringComparison.Ordinal);
    }

    [Fact]
    public void TheMarkdownSaysSoWhenNothingIsMissed() =>
        Assert.EndsWith("## Missed targets\n\nNone.\n", ReportMarkdown.Of(Sample with { Figures = [Sample.Figures[0]] }), StringComparison.Ordinal);

    [Fact]
    public void TheTableFitsInto120ColumnsWithoutBreakingARow()
    {
        using var output = new StringWriter();
        ReportTable.Print(Sample, output);
        string[] lines = output.ToString().Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= 120, $"this line has {line.Length} columns: {line}"));
        Assert.Matches(@"lookup/L +2\.00 ns +2\.50 ns +1\.00 ns +2\.00x +≤ 1\.60x +NO +9", output.ToString());
        Assert.Contains("figures: 4; targets met: 1 of 3", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void WritingReplacesTheOldReportAndLeavesNothingElse()
    {
        string folder = Path.Combine(Path.GetTempPath(), $"fastiova-report-{Environment.ProcessId}");
        try
        {
            Sample.Write(folder);
            (Sample with { Figures = [] }).Write(folder);
            Assert.Equal(["bench.json", "bench.md"], [.. Directory.GetFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]);
            Assert.Equal(ReportJson.Of(Sample with { Figures = [] }), File.ReadAllText(Path.Combine(folder, "bench.json")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void APartialRunNeverGoesWhereTheCommittedReportIs()
    {
        Assert.Equal("/repo/perf-reports/AMD-EPYC-9575F", BenchSession.DefaultFolder("/repo", Machine, partial: false));
        Assert.Equal("/repo/perf-reports/AMD-EPYC-9575F/quick", BenchSession.DefaultFolder("/repo", Machine, partial: true));
        Assert.True(new BenchOptions(true, null, [], [], null).Partial);
        Assert.True(new BenchOptions(false, null, ["a"], [], null).Partial);
        Assert.True(new BenchOptions(false, null, [], ["t"], null).Partial);
        Assert.False(new BenchOptions(false, 9, [], [], null).Partial);
    }

    [Theory]
    [InlineData("Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel-R-Xeon-R-CPU-2.20GHz")]
    [InlineData("../../etc", "etc")]
    [InlineData("  ", "unknown")]
    public void ACpuModelBecomesAHarmlessFolderName(string model, string folder) => Assert.Equal(folder, MachineFacts.FolderName(model));

    [Theory]
    [InlineData("always [madvise] never", "madvise")]
    [InlineData(null, "unknown")]
    [InlineData("nonsense", "unknown")]
    public void TheHugePageSettingIsTheOneInBrackets(string? line, string setting) => Assert.Equal(setting, MachineFacts.Chosen(line));

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];
}
