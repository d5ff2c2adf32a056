using System.Text.RegularExpressions;
using Xunit;

namespace FastIova.Tests.Architecture;

public sealed partial class ReadmeTests
{
    private static readonly string SamplePath = Path.Combine(SourceTree.Root, "tests", "FastIova.Tests", "ReadmeSample.cs");

    [Fact]
    public void EveryCSharpBlockOfTheReadmeIsARegionOfReadmeSampleThatRunsAsATest()
    {
        string[] blocks = [.. Block.Matches(File.ReadAllText(Path.Combine(SourceTree.Root, "README.md"))).Select(match => Trimmed(match.Groups["text"].Value))];
        string[] regions = File.Exists(SamplePath)
            ? [.. Region.Matches(File.ReadAllText(SamplePath)).Select(match => Trimmed(match.Groups["text"].Value))]
            : [];
        Assert.True(
            blocks.Length == regions.Length,
            $"README.md has {blocks.Length} csharp blocks, ReadmeSample.cs has {regions.Length} regions between '// <readme>' and '// </readme>': each block needs its region.");
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.Equal(regions[i], blocks[i]);
        }
    }

    [Fact]
    public void TheCSharpBlockOfTheServiceIsTheExampleOfItsTests()
    {
        string page = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "service.md"));
        string example = File.ReadAllText(Path.Combine(SourceTree.Root, "tests", "RingClient", "Example.cs"));
        Assert.Equal(Trimmed(Assert.Single(Region.Matches(example)).Groups["text"].Value), Trimmed(Assert.Single(Block.Matches(page)).Groups["text"].Value));
    }

    // The indentation of the region is the test method's, not the sample's.
    private static string Trimmed(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim())).Trim();

    [GeneratedRegex(@"^```csharp\n(?<text>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Block { get; }

    [GeneratedRegex(@"^\s*// <readme>\n(?<text>.*?)^\s*// </readme>", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Region { get; }
}
