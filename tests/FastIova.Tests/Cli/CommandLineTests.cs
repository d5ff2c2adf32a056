using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--bogus", "bench", "--bogus")]
    [InlineData("0", "bench", "--reps", "0")]
    [InlineData("1001", "bench", "--reps", "1001")]
    [InlineData("many", "bench", "--reps", "many")]
    [InlineData("--reps", "bench", "--reps")]
    [InlineData("/no/such/trace", "bench", "--trace", "/no/such/trace")]
    [InlineData("/proc/self/status", "bench", "--out", "/proc/self/status")]
    [InlineData("--only", "bench", "--only")]
    [InlineData("--bogus", "bench", "--only", "machine/", "--bogus")]
    [InlineData("stray", "bench", "stray")]
    [InlineData("bunch", "bunch")]
    [InlineData("--help", new string[0])]
    public void ABadCommandLineExitsWith2AndNamesWhatIsWrong(string named, params string[] args)
    {
        (int exit, string output, string error) = Run(args);
        Assert.Equal(ExitCode.BadUsage, exit);
        Assert.Contains(named, error, StringComparison.Ordinal);
        Assert.Contains("--help' lists what is accepted", error, StringComparison.Ordinal);
        Assert.Empty(output);
    }

    [Theory]
    [InlineData("bench", "--help")]
    [InlineData("bench", "-h")]
    public void HelpExplainsEveryOption(params string[] args)
    {
        (int exit, string output, _) = Run(args);
        Assert.Equal(ExitCode.Done, exit);
        Assert.All(["--quick", "--only", "--trace", "--out", "--reps"], option => Assert.Contains(option, output, StringComparison.Ordinal));
    }

    [Fact]
    public void HelpOfTheProgramListsItsCommands()
    {
        (int exit, string output, _) = Run("--help");
        Assert.Equal(ExitCode.Done, exit);
        Assert.Contains("bench", output, StringComparison.Ordinal);
    }

    [Fact]
    public void AFilterThatMatchesNothingIsBadUsageAndWritesNoReport()
    {
        (int exit, _, string error) = RunSuites(new BenchOptions(true, 1, ["nothing/here"], [], null), new OneFigure());
        Assert.Equal(ExitCode.BadUsage, exit);
        Assert.Contains("--only 'nothing/here' matches no figure", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailedSuiteExitsWith1AndTheOthersStillReport()
    {
        string folder = Path.Combine(Path.GetTempPath(), $"fastiova-cli-{Environment.ProcessId}");
        try
        {
            (int exit, string output, string error) = RunSuites(new BenchOptions(true, 1, [], [], folder), new Wrong(), new OneFigure());
            Assert.Equal(ExitCode.Failed, exit);
            Assert.Contains("suite 'wrong' failed: 5 is not 4", error, StringComparison.Ordinal);
            Assert.Contains("one/figure", output, StringComparison.Ordinal);
            Assert.Contains("bench: measuring one", error, StringComparison.Ordinal);
            Assert.Contains("one/figure", File.ReadAllText(Path.Combine(folder, "bench.json")), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void AReportThatCannotBeWrittenExitsWith1()
    {
        (int exit, _, string error) = RunSuites(new BenchOptions(true, 1, [], [], "/proc/no-folder-here"), new OneFigure());
        Assert.Equal(ExitCode.Failed, exit);
        Assert.Contains("/proc/no-folder-here", error, StringComparison.Ordinal);
    }

    private static (int Exit, string Output, string Error) Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (Program.Run(args, output, error), output.ToString(), error.ToString());
    }

    private static (int Exit, string Output, string Error) RunSuites(BenchOptions options, params ISuite[] suites)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (BenchSession.Run(options, suites, output, error), output.ToString(), error.ToString());
    }

    private sealed class OneFigure : ISuite
    {
        public string Name => "one";

        public void Run(BenchRun run)
        {
            if (run.Wants("one/figure"))
            {
                run.Step("measuring one");
                run.Add(new Figure("one/figure", 1, 1, null, null, TargetUnit.Ratio, run.Reps));
            }
        }
    }

    private sealed class Wrong : ISuite
    {
        public string Name => "wrong";

        public void Run(BenchRun run) => throw new BenchFailureException("5 is not 4");
    }
}
