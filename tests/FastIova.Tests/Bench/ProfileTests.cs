using System.Xml.Linq;
using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Bench;

public sealed class ProfileTests
{
    private static readonly string[] Samples =
    [
        "dotnet 77/77 ",
        "\tffff8158 clear_page ([kernel.kallsyms])",
        "\t7f01 int32 [FastIova.Iotlb] FastIova.Probe::Look(valuetype [System.Runtime]System.ReadOnlySpan`1<uint64>)[Optimized] (/tmp/perf-77.map)",
        "\t7f02 [unknown] (/usr/share/libcoreclr.so)",
        "\t7f03 [unknown] (/usr/share/libcoreclr.so)",
        "\t7f04 valuetype FastIova.Cli.Timing[] [fastiova] FastIova.Cli.Measure::Interleaved(int32)[Optimized] (/tmp/perf-77.map)",
        "\t7f05 int32 [fastiova] FastIova.Cli.Program::Main(string[])[Optimized] (/tmp/perf-77.map)",
        string.Empty,
        ".NET Tiered 77/80 ",
        "\t7f06 main (/usr/bin/dotnet)",
        string.Empty,
        "dotnet 77/77 ",
        "\t7f04 valuetype FastIova.Cli.Timing[] [fastiova] FastIova.Cli.Measure::Interleaved(int32)[Optimized] (/tmp/perf-77.map)",
    ];

    [Fact]
    public void SamplesAreGatheredFromTheMeasurementInwards()
    {
        var processes = new HashSet<int>();
        CallTree tree = PerfScript.Read(Samples, processes, setUp: false);
        Assert.Equal([77], processes);
        Assert.Equal(2, tree.Samples);
        CallTree thread = Assert.Single(tree.Callees);
        Assert.Equal("dotnet", thread.Name);
        CallTree measured = Assert.Single(thread.Callees);
        Assert.Equal(("Measure::Interleaved", 2L, 1L), (measured.Name, measured.Samples, measured.Own));
        CallTree library = Assert.Single(measured.Callees);
        Assert.Equal("[libcoreclr.so]", library.Name);
        Assert.Equal("Probe::Look", Assert.Single(library.Callees).Name);
    }

    [Fact]
    public void WithTheSetUpEverySampleCounts()
    {
        CallTree tree = PerfScript.Read(Samples, new HashSet<int>(), setUp: true);
        Assert.Equal(3, tree.Samples);
        Assert.Equal<string[]>([".NET Tiered", "dotnet"], [.. tree.Callees.Select(callee => callee.Name)]);
    }

    [Theory]
    [InlineData("int32 [FastIova.Pipeline] FastIova.TranslationLoop`2[FastIova.TwoLevelWalker`1[FastIova.Granule4K],FastIova.Wide512]::Translate(valuetype [System.Runtime]System.X`1<uint64>)[Optimized]", "TranslationLoop[TwoLevelWalker[Granule4K],Wide512]::Translate")]
    [InlineData("hostfxr_main_startupinfo", "hostfxr_main_startupinfo")]
    [InlineData("std::vector<int>::push_back(int)", "std::vector<int>::push_back(int)")]
    public void ALongNameIsShortened(string symbol, string name) => Assert.Equal(name, PerfScript.Shortened(symbol));

    [Fact]
    public void TheTopCountsARecursionOnce()
    {
        var tree = new CallTree("all");
        tree.Add(["a", "b", "a"]);
        tree.Add(["a"]);
        Assert.Equal([("a", 2L, 2L), ("b", 0L, 1L)], tree.Top());
    }

    [Fact]
    public void TheGraphIsAnSvgInWhichEveryFrameSaysItsShare()
    {
        var tree = new CallTree("all");
        tree.Add(["main", "List<T>::Add"]);
        tree.Add(["main"]);
        XElement svg = XElement.Parse(FlameGraph.Of(tree, "fastiova bench --only <all>"));
        Assert.Equal("fastiova bench --only <all>", svg.Elements().First(element => element.Name.LocalName is "title").Value);
        string[] frames = [.. svg.Elements().Where(element => element.Name.LocalName is "g").Select(frame => frame.Elements().First().Value)];
        Assert.Equal<string[]>(["all: 2 samples, 100.0 %", "main: 2 samples, 100.0 %", "List<T>::Add: 1 samples, 50.0 %"], frames);
    }
}
