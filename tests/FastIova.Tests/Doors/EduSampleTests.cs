using System.Diagnostics;
using Xunit;

namespace FastIova.Tests.Doors;

/// <summary>The driver in samples/edu-driver: it works, and does what docs/drivers.md shows.</summary>
[Collection("doors")]
public sealed class EduSampleTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(EchoDoor.SourceFolder(), "../../.."));
    private static readonly Lazy<string> Program = new(() => EchoDoor.Compile(Path.Combine(Root, "samples/edu-driver/edu.c")));

    [Theory]
    [InlineData("edu-driver")]
    [InlineData("edu-driver-wrong", "wrong")]
    public void ItSaysWhatTheDocumentShows(string block, params string[] more)
    {
        using var site = new VfioSite(Program, new EduModel());
        using Process process = site.Start(["0000:01:00.0", .. more]);
        string output = process.StandardOutput.ReadToEnd();
        VfioSite.AssertGood(process);

        Assert.Equal(Shown(block), output);
        Assert.Equal(more.Length, site.Faults.Count);
        site.AssertIsClean();
    }

    // The text between the line that names a block and the end of the block, without the command and what goes to the error output.
    private static string Shown(string block)
    {
        IEnumerable<string> lines = File.ReadLines(Path.Combine(Root, "docs/drivers.md"))
            .SkipWhile(line => !line.Contains($"<!-- {block} -->", StringComparison.Ordinal))
            .Skip(2)
            .TakeWhile(line => !line.StartsWith("```", StringComparison.Ordinal))
            .Where(line => !line.StartsWith('$') && !line.StartsWith("fastiova:", StringComparison.Ordinal));
        return string.Join('\n', lines) + "\n";
    }
}
