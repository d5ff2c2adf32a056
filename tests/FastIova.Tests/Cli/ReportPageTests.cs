using System.Xml.Linq;
using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class ReportPageTests
{
    private static readonly Report Sample = new(
        new MachineFacts("AMD <EPYC>", 2, 8L << 30, "6.18.0", "10.0.1", "512", "madvise", 4, "0123456789ab", DateTimeOffset.UnixEpoch),
        [
            new Figure("translate/single/hot", 2, 2, 0.14, null, TargetUnit.Ratio, 9),
            new Figure("translate/batch256/hot", 0.5, 0.5, 0.14, null, TargetUnit.Ratio, 9),
            new Figure("translate/batch256/S2M", 1.2, 1.2, 0.5, 1.3, TargetUnit.Ratio, 9, Note: "117 lines of table words; \"quoted\""),
            new Figure("translate/batch256/L", 5, 5, 2, 1.7, TargetUnit.Ratio, 9),
            new Figure("translate/linear/L", 4.5, 4.6, 2.1, null, TargetUnit.Ratio, 9),
            new Figure("unmap/grace/1", 170, 200, null, 500, TargetUnit.Nanoseconds, 36) { Percentiles = [new(50, 160), new(100, 90000)] },
            new Figure("replay/ext4_tree_strict", 10, 11, 10, 0.2, TargetUnit.Ratio, 9),
        ]);

    [Fact]
    public void ThePageNeedsNothingButItself()
    {
        string page = Page();
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("url(", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("prefers-color-scheme: dark", page, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryChartIsWellFormedHasATitleAndItsUnit()
    {
        string page = Page();
        XElement[] charts = [.. Charts(page)];
        Assert.True(charts.Length >= 4 + Sample.Figures.Count, $"{charts.Length} charts");
        Assert.All(charts, chart => Assert.Contains(chart.Elements(), element => element.Name.LocalName is "title" && element.Value.Contains('(', StringComparison.Ordinal)));
        Assert.All(charts, chart => Assert.Equal("img", chart.Attribute("role")!.Value));
    }

    [Fact]
    public void TextsFromReportsAreNoMarkup()
    {
        string page = Page();
        Assert.Contains("AMD &lt;EPYC&gt;", page, StringComparison.Ordinal);
        Assert.Contains("&quot;quoted&quot;", page, StringComparison.Ordinal);
        Assert.Contains("S2M (117)", page, StringComparison.Ordinal);
    }

    [Fact]
    public void WithOneReportThereIsNoHistory() =>
        Assert.Contains("a history begins with the second", ReportPage.Of([new ReportHistory("AMD", [("now", Sample)])]), StringComparison.Ordinal);

    [Theory]
    [InlineData(0.9, 1.0)]
    [InlineData(1.0, 1.0)]
    [InlineData(2.4, 3.0)]
    [InlineData(870, 1000)]
    public void TheScaleEndsWithARoundNumber(double most, double top) => Assert.Equal(top, ValueScale.FromZero(most).Ticks[^1], 1e-9);

    [Fact]
    public void ALogarithmicScaleHasPowersOfTen()
    {
        var scale = ValueScale.Powers(3, 4000);
        Assert.Equal([1.0, 10.0, 100.0, 1000.0, 10000.0], scale.Ticks);
        Assert.Equal(0.5, scale.Place(100), 1e-9);
    }

    [Fact]
    public void TheCommandCollectsTheReportsOfAFolderAndLeavesOutWhatIsNone()
    {
        string folder = Directory.CreateTempSubdirectory("fastiova-page-").FullName;
        try
        {
            Sample.Write(Path.Combine(folder, "AMD"));
            Sample.Write(Path.Combine(folder, "AMD", "quick"));
            Directory.CreateDirectory(Path.Combine(folder, "broken"));
            File.WriteAllText(Path.Combine(folder, "broken", "bench.json"), "{}");
            using var output = new StringWriter();
            using var error = new StringWriter();
            string file = Path.Combine(folder, "page.html");
            Assert.Equal(ExitCode.Done, Program.Run(["bench", "report", "--reports", folder, "--out", file], output, error));
            string page = File.ReadAllText(file);
            Assert.Single(page.Split("<h2>")[1..]);
            Assert.Contains("broken", error.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void WithoutAnyReportTheCommandSaysHowToWriteOne()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.Equal(ExitCode.BadUsage, Program.Run(["bench", "report", "--reports", "/no/such/folder"], output, error));
        Assert.Contains("'/no/such/folder' is not a folder", error.ToString(), StringComparison.Ordinal);
    }

    private static string Page() => ReportPage.Of([new ReportHistory("AMD-EPYC", [("abc1234", Sample), ("now", Sample)])]);

    private static IEnumerable<XElement> Charts(string page)
    {
        for (int at = page.IndexOf("<svg", StringComparison.Ordinal); at >= 0; at = page.IndexOf("<svg", at + 1, StringComparison.Ordinal))
        {
            int end = page.IndexOf("</svg>", at, StringComparison.Ordinal) + "</svg>".Length;
            yield return XElement.Parse(page[at..end]);
        }
    }
}
