using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace FastIova.Tests.Architecture;

/// <summary>What the pages show is so: C# is compiled and run as part of some file, commands are run by somebody, figures are those of the report.</summary>
/// <remarks>The commands are run by tests/docs/run.sh, tests/native/run.sh and <see cref="Cli.ServicePageTests"/>.</remarks>
public sealed partial class PageTests
{
    private static readonly string[] Kinds = ["sh", "console", "c", "csharp", "text"];
    private static readonly string[] Folders = ["", "docs", "perf-reports", "data", "samples", "packages", "packaging", "native"];

    [Theory]
    [InlineData("README.md", "tests/FastIova.Tests/ReadmeSample.cs")]
    [InlineData("data/dma-traces/README.md", "tests/FastIova.Tests/Traces/TraceSample.cs")]
    [InlineData("docs/device-models.md", "tests/FastIova.Tests/DeviceModelSample.cs")]
    [InlineData("docs/embedding.md", "tests/FastIova.Tests/Native/EmbeddingSample.cs")]
    [InlineData("docs/service.md", "tests/RingClient/Example.cs")]
    public void TheCSharpBlocksOfAPageAreTheRegionsOfAFileThatRuns(string page, string file)
    {
        string[] regions = [.. Region.Matches(Read(file)).Select(match => Trimmed(match.Groups["text"].Value))];
        Assert.NotEmpty(regions);
        string[] blocks = [.. Blocks(page, "csharp").Select(Trimmed)];
        Assert.Equal(regions, blocks);
    }

    [Fact]
    public void NoPageHasCSharpThatNobodyRuns()
    {
        var run = new HashSet<string>(StringComparer.Ordinal) { "README.md", "data/dma-traces/README.md", "docs/device-models.md", "docs/embedding.md", "docs/service.md" };
        Assert.All(Pages(), page => Assert.True(run.Contains(page) || !Blocks(page, "csharp").Any(), $"Nobody runs the C# of {page}: give its blocks a file above."));
    }

    [Fact]
    public void NoPageHasCommandsThatNobodyRuns()
    {
        string listed = Array.Find(Read("tests/docs/run.sh").Split('\n'), line => line.StartsWith("pages=(", StringComparison.Ordinal)) ?? "";
        var run = new HashSet<string>(listed["pages=(".Length..^1].Split(' '), StringComparer.Ordinal) { "docs/embedding.md", "docs/service.md" };
        Assert.All(Pages(), page => Assert.True(run.Contains(page) || !Blocks(page, "sh").Concat(Blocks(page, "console")).Concat(Blocks(page, "c")).Any(), $"Nobody runs the commands of {page}: add it to tests/docs/run.sh."));
    }

    [Fact]
    public void EveryBlockSaysWhatItIs() =>
        Assert.All(Pages(), page => Assert.All(Fences(page), fence => Assert.True(Kinds.Contains(fence.Kind, StringComparer.Ordinal), $"{page} has a block of the kind '{fence.Kind}': give one of {string.Join(", ", Kinds)}.")));

    // A run of the benchmarks replaces the report of the working tree, and README.md is then still about the one that was committed.
    [Fact]
    public void TheFiguresOfTheReadmeAreThoseOfTheReport()
    {
        const string Report = "perf-reports/AMD-EPYC/bench.md";
        string[][] shown = [.. Rows(Read("README.md")).Where(cells => cells.Length >= 2 && FigureId.IsMatch(cells[1]))];
        Assert.NotEmpty(shown);
        string[][] expected = Measured(shown, Read(Report));
        Assert.True(
            Same(shown, expected) || Same(shown, Measured(shown, Committed(Report))),
            $"README.md has other figures than {Report}. Its rows are:\n{string.Join('\n', expected.Select(cells => $"| {string.Join(" | ", cells)} |"))}");
    }

    private static bool Same(string[][] shown, string[][] measured) => shown.Zip(measured).All(pair => pair.First.SequenceEqual(pair.Second, StringComparer.Ordinal));

    private static string[][] Measured(string[][] shown, string report)
    {
        ILookup<string, string[]> rows = Rows(report).ToLookup(cells => cells[0], StringComparer.Ordinal);
        return [.. shown.Select(cells => rows[cells[1].Trim('`')].Select(row => new[] { cells[0], cells[1], row[1], row[3], row[4] }).FirstOrDefault([cells[0], cells[1], "not in the report"]))];
    }

    private static string Committed(string path)
    {
        using Process git = Process.Start(new ProcessStartInfo("git", ["show", $"HEAD:{path}"]) { UseShellExecute = false, WorkingDirectory = SourceTree.Root, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = git.StandardError.ReadToEndAsync();
        string text = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return git.ExitCode == 0 ? text : $"| {error.Result} |";
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path));

    private static IEnumerable<string> Pages() =>
        Folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(SourceTree.Root, folder), "*.md", folder.Length == 0 ? SearchOption.TopDirectoryOnly : SearchOption.AllDirectories))
            .Select(file => Path.GetRelativePath(SourceTree.Root, file))
            .Where(page => !page.Contains("/quick/", StringComparison.Ordinal));

    private static IEnumerable<string> Blocks(string page, string kind) =>
        Fences(page).Where(fence => string.Equals(fence.Kind, kind, StringComparison.Ordinal)).Select(fence => fence.Text);

    private static IEnumerable<(string Kind, string Text)> Fences(string page) =>
        Fence.Matches(Read(page)).Select(match => (match.Groups["kind"].Value, match.Groups["text"].Value));

    private static IEnumerable<string[]> Rows(string text) =>
        text.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Select(line => line.Trim('|', ' ').Split(" | ").Select(cell => cell.Trim()).ToArray());

    // The indentation of a region is its method's, not the page's.
    private static string Trimmed(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim())).Trim();

    [GeneratedRegex("^`[a-z0-9-]+/[^`]+`$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FigureId { get; }

    [GeneratedRegex(@"^```(?<kind>\w*)\n(?<text>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Fence { get; }

    [GeneratedRegex(@"^\s*// <page>\n(?<text>.*?)^\s*// </page>", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Region { get; }
}
