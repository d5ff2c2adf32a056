using System.Text.Json;
using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class CompareCommandTests : IDisposable
{
    private const string Result = """{"machine": {"cpu": "nowhere", "isa": "512", "date": "2026-01-01T00:00:00Z"}, "results": [{"id": "look/hot", "best_ns": BEST, "median_ns": BEST, "bound_ns": 0.2}, {"id": "unmap", "best_ns": 170, "median_ns": 171, "bound_ns": null}]}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("fastiova-compare-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ASlowerReportExitsWith1AndAnEqualOneWith0()
    {
        string old = Write("old.json", "0.50");
        (int exit, string output, _) = Run("bench", "compare", old, Write("new.json", "0.55"));
        Assert.Equal(ExitCode.Failed, exit);
        Assert.Contains("SLOWER: look/hot +10.0 %", output, StringComparison.Ordinal);
        (exit, output, _) = Run("bench", "compare", old, old, "--max-regression", "2.5%");
        Assert.Equal(ExitCode.Done, exit);
        Assert.Contains("No figure of 2 is slower by more than 2.5 %.", output, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLimitIsTheUsers()
    {
        string old = Write("old.json", "0.50");
        Assert.Equal(ExitCode.Done, Run("bench", "compare", old, Write("new.json", "0.55"), "--max-regression", "12").Exit);
    }

    [Fact]
    public void TheSummaryIsMarkdownInTheFileNamed()
    {
        string summary = Path.Combine(_folder, "summary.md");
        _ = Run("bench", "compare", Write("old.json", "0.50"), Write("new.json", "0.55"), "--summary", summary);
        Assert.StartsWith("## ❌ Benchmarks:", File.ReadAllText(summary), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-such-side", "neither a report nor a build")]
    [InlineData("no-such.json", "is not a file")]
    public void ASideThatIsNothingIsBadUsage(string side, string complaint)
    {
        (int exit, _, string error) = Run("bench", "compare", Write("old.json", "0.5"), side);
        Assert.Equal(ExitCode.BadUsage, exit);
        Assert.Contains(complaint, error, StringComparison.Ordinal);
        Assert.Contains(side, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--max-regression '0%' is not above 0 %", "--max-regression", "0%")]
    [InlineData("--max-regression 'much' is not above 0 %", "--max-regression", "much")]
    [InlineData("--rounds '3' is neither 0 nor a number from 9", "--rounds", "3")]
    [InlineData("'elsewhere' is no build of fastiova", "--new-build", "elsewhere")]
    public void AnOptionThatMeansNothingIsBadUsage(string complaint, params string[] options)
    {
        string old = Write("old.json", "0.5");
        (int exit, _, string error) = Run(["bench", "compare", old, old, .. options]);
        Assert.Equal(ExitCode.BadUsage, exit);
        Assert.Contains(complaint, error, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutAnyFigureInCommonThereIsNothingToCompare()
    {
        string old = Write("old.json", "0.5");
        (int exit, _, string error) = Run("bench", "compare", old, old, "--only", "nothing/");
        Assert.Equal(ExitCode.BadUsage, exit);
        Assert.Contains("there is nothing to compare", error, StringComparison.Ordinal);
    }

    [Fact]
    public void ACommandOfACommandIsHelpedUnderItsWholeName()
    {
        (int exit, _, string error) = Run("bench", "compare", "--bogus");
        Assert.Equal(ExitCode.BadUsage, exit);
        Assert.Contains("'fastiova bench compare --help' lists what is accepted", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("compare", "--max-regression", "--rounds", "--base-build", "--new-build", "--summary", "BASE", "NEW")]
    [InlineData("report", "--out", "--reports")]
    [InlineData("profile", "--out", "--frequency", "--set-up", "--reps", "SUITE")]
    public void HelpExplainsEveryOption(string command, params string[] names)
    {
        (int exit, string output, _) = Run("bench", command, "--help");
        Assert.Equal(ExitCode.Done, exit);
        Assert.All(names, name => Assert.Contains(name, output, StringComparison.Ordinal));
    }

    [Fact]
    public void ABuildIsFoundInAWorkingTreeAFolderAndAFile()
    {
        string program = Path.Combine(_folder, "fastiova.dll");
        File.WriteAllText(program, "MZ");
        Assert.Equal(program, EngineBuild.Find(_folder)!.Command[^1]);
        Assert.Equal(program, EngineBuild.Find(program)!.Command[^1]);
        string script = Path.Combine(_folder, "fastiova");
        File.WriteAllText(script, "#!/bin/sh\n");
        Assert.Equal([script], EngineBuild.Find(_folder)!.Command);
        Assert.Null(EngineBuild.Find(Write("report", "0.5")));
        Assert.EndsWith("fastiova.dll", EngineBuild.Find("now")!.Command[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void ABuildThatCannotBeStartedSaysWhatItIsCalled()
    {
        string script = Path.Combine(_folder, "fastiova");
        File.WriteAllText(script, "#!/bin/sh\n");
        BenchFailureException failure = Assert.Throws<BenchFailureException>(() => EngineBuild.Find(script)!.Measure([]));
        Assert.Contains(script, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void JsonOnTheStandardOutputIsPure()
    {
        (int exit, string output, string error) = Bench(new BenchOptions(true, 1, [], [], null) { Json = BenchOptions.StandardOutput });
        Assert.Equal(ExitCode.Done, exit);
        using var json = JsonDocument.Parse(output);
        Assert.Equal("one/figure", json.RootElement.GetProperty("results")[0].GetProperty("id").GetString());
        Assert.Contains("bench: measuring", error, StringComparison.Ordinal);
    }

    [Fact]
    public void JsonInAFileReplacesTheFolderUnlessThatIsNamedToo()
    {
        string file = Path.Combine(_folder, "deep", "bench.json");
        (int exit, string output, _) = Bench(new BenchOptions(true, 1, [], [], null) { Json = file });
        Assert.Equal(ExitCode.Done, exit);
        Assert.Single(ReportFile.Load(file).Figures);
        Assert.DoesNotContain("bench.md", output, StringComparison.Ordinal);
        string beside = Path.Combine(_folder, "beside");
        (_, output, _) = Bench(new BenchOptions(true, 1, [], [], beside) { Json = file });
        Assert.True(File.Exists(Path.Combine(beside, "bench.md")), output);
    }

    [Theory]
    [InlineData("is not a file", "--json", "/tmp")]
    [InlineData("--runs '0' is not a number from 1 to 100", "--runs", "0")]
    public void AJsonOrRunsThatMeansNothingIsBadUsage(string complaint, params string[] options)
    {
        (int exit, _, string error) = Run(["bench", .. options]);
        Assert.Equal(ExitCode.BadUsage, exit);
        Assert.Contains(complaint, error, StringComparison.Ordinal);
    }

    private static (int Exit, string Output, string Error) Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (Program.Run(args, output, error), output.ToString(), error.ToString());
    }

    private static (int Exit, string Output, string Error) Bench(BenchOptions options)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (BenchSession.Run(options, [new OneFigure()], output, error), output.ToString(), error.ToString());
    }

    private string Write(string name, string best)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, Result.Replace("BEST", best, StringComparison.Ordinal));
        return path;
    }

    private sealed class OneFigure : ISuite
    {
        public string Name => "one";

        public void Run(BenchRun run)
        {
            run.Step("measuring one");
            run.Add(new Figure("one/figure", 1, 1, null, null, TargetUnit.Ratio, run.Reps));
        }
    }
}
