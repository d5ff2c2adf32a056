using System.Text.Json;
using FastIova.Cli;
using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed class TraceStatisticsTests
{
    [Fact]
    public void TheSmallTraceIsCountedAsByHand()
    {
        var statistics = new TraceStatistics(TraceImage.Small);
        Assert.Equal(12, statistics.Records);
        Assert.Equal(2, statistics.Count(TraceOp.Map));
        Assert.Equal(5UL << 12, statistics.MappedBytes);
        Assert.Equal((2, 5UL << 12, 0), (statistics.PeakLiveMappings, statistics.PeakLiveBytes, statistics.LeftMappings));
        Assert.Equal([1U, 4U], statistics.MapSizes.Keys);
        Assert.Equal((1, 1), (statistics.Domains, statistics.Devices));

        // One lives from record 4 to 7, the other from 2 to 11; each is used once.
        Assert.Equal(new TraceStatistics.Spread(6, 9, 9, 9), statistics.Lives);
        Assert.Equal(new TraceStatistics.Spread(1, 1, 1, 1), statistics.Uses);
        Assert.Equal((0L, 0L, 0L, 0L), (statistics.Reuses, statistics.Repeats, statistics.Uncovered, statistics.UnusedMappings));
    }

    [Fact]
    public void AnUnmapOfAPartCutsTheMappingAndOneOfManyEndsThemAll()
    {
        const ushort Device = TraceImage.Device;
        var statistics = new TraceStatistics(
        [
            new(TraceOp.Attach, 0, Device, 1, 0, 0),
            new(TraceOp.Map, 3, 1, 4, 0x1000, 0),
            new(TraceOp.Map, 3, 1, 1, 0x9000, 0),
            new(TraceOp.Unmap, 0, 1, 2, 0x3000, 0),
            new(TraceOp.Translate, 1, Device, 1, 0x2000, 0),
            new(TraceOp.Translate, 1, Device, 1, 0x2008, 0),
            new(TraceOp.Translate, 1, Device, 1, 0x3000, 0),
            new(TraceOp.Unmap, 0, 1, 16, 0, 0),
        ]);
        Assert.Equal(1, statistics.Uncovered);
        Assert.Equal(1, statistics.Reuses);
        Assert.Equal(1, statistics.Repeats);
        Assert.Equal(1, statistics.UnusedMappings);
        Assert.Equal(0, statistics.LeftMappings);
    }

    [Fact]
    public void RandomTrafficIsCountedAsAModelOfPagesCountsIt() => Seeded.Run(24, random =>
    {
        const ushort Device = TraceImage.Device;
        var records = new List<TraceRecord> { new(TraceOp.Attach, 0, Device, 1, 0, 0) };
        var live = new Dictionary<ulong, HashSet<ulong>>();
        long reuses = 0;
        long uncovered = 0;
        int peak = 0;
        for (int i = 0; i < 5000; i++)
        {
            ulong page = (ulong)random.Next(64);
            switch (random.Next(4))
            {
                case 0 when !live.ContainsKey(page):
                    live.Add(page, []);
                    records.Add(new TraceRecord(TraceOp.Map, 3, 1, 1, page << 12, 0));
                    break;
                case 1 when live.Remove(page):
                    records.Add(new TraceRecord(TraceOp.Unmap, 0, 1, 1, page << 12, 0));
                    break;
                default:
                    uncovered += live.ContainsKey(page) ? 0 : 1;
                    reuses += live.TryGetValue(page, out HashSet<ulong>? used) && !used.Add(page) ? 1 : 0;
                    records.Add(new TraceRecord(TraceOp.Translate, 1, Device, 1, page << 12, 0));
                    break;
            }

            peak = Math.Max(peak, live.Count);
        }

        var statistics = new TraceStatistics([.. records]);
        Assert.Equal((reuses, uncovered, peak, live.Count), (statistics.Reuses, statistics.Uncovered, statistics.PeakLiveMappings, statistics.LeftMappings));
    });

    [Fact]
    public void AShippedTraceAgreesWithItsHeader()
    {
        DmaTrace trace = DmaTrace.Load(ShippedTraces.Find("ext4_tree_strict"));
        var statistics = new TraceStatistics(trace.Records);
        Assert.Equal(trace.Header.Count(TraceOp.Translate), statistics.Count(TraceOp.Translate));
        Assert.Equal((ulong)trace.Header.PeakLivePages << TraceRecord.PageLg2, statistics.PeakLiveBytes);
        Assert.Equal(0, statistics.Uncovered);
    }

    [Fact]
    public void InfoSaysItForPeopleAndForPrograms()
    {
        (int exit, string output, _) = Run("trace", "info", "ext4_tree_strict");
        Assert.Equal(ExitCode.Done, exit);
        Assert.Contains("translations per map", output, StringComparison.Ordinal);
        (exit, output, _) = Run("trace", "info", ShippedTraces.Find("ext4_tree_strict"), "--json", "--workload");
        Assert.Equal(ExitCode.Done, exit);
        using var json = JsonDocument.Parse(output);
        JsonElement trace = json.RootElement.GetProperty("traces")[0];
        Assert.Equal("ext4_tree_strict", trace.GetProperty("name").GetString());
        Assert.True(trace.GetProperty("counts").GetProperty("map").GetInt64() > 0);
    }

    [Theory]
    [InlineData("info")]
    [InlineData("replay")]
    public void AFileThatIsNotThereIsBadUsage(string command)
    {
        (int exit, _, string error) = Run("trace", command, "/no/such/trace");
        Assert.Equal(ExitCode.BadUsage, exit);
        Assert.Contains("'/no/such/trace' is neither a file nor a trace", error, StringComparison.Ordinal);
        Assert.Contains($"'fastiova trace {command} --help'", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileThatIsNoTraceExitsWith1AndTheOthersAreStillRead()
    {
        (int exit, string output, string error) = Run("trace", "info", "/proc/self/status", "ext4_tree_strict");
        Assert.Equal(ExitCode.Failed, exit);
        Assert.Contains("/proc/self/status", error, StringComparison.Ordinal);
        Assert.Contains("ext4_tree_strict", output, StringComparison.Ordinal);
    }

    [Fact]
    public void ReplayChecksEveryAnswerAndReportsTheTime()
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "needs two processors");
        const ushort Device = TraceImage.Device;
        var records = new List<TraceRecord> { new(TraceOp.Attach, 0, Device, 1, 0, 0) };
        for (ulong i = 1; i <= 100; i++)
        {
            records.Add(new TraceRecord(TraceOp.Map, 3, 1, 1, i << 12, i << 12));
            records.Add(new TraceRecord(TraceOp.Translate, 1, Device, 1, (i << 12) + 8, (i << 12) + 8));
            records.Add(new TraceRecord(TraceOp.Unmap, 0, 1, 1, i << 12, 0));
        }

        string folder = Directory.CreateTempSubdirectory("fastiova-replay-").FullName;
        try
        {
            string file = Path.Combine(folder, "hand.dmt");
            File.WriteAllBytes(file, TraceImage.Of([.. records]));
            (int exit, string output, string error) = Run("trace", "replay", file, "--reps", "1", "--json");
            Assert.True(exit == ExitCode.Done, error);
            using var json = JsonDocument.Parse(output);
            Assert.Equal("replay/hand", json.RootElement.GetProperty("results")[0].GetProperty("id").GetString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (int Exit, string Output, string Error) Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (Program.Run(args, output, error), output.ToString(), error.ToString());
    }
}
