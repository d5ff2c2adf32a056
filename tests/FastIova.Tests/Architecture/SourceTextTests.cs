using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace FastIova.Tests.Architecture;

public sealed partial class SourceTextTests
{
    private const int LinesLast = 400;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static IEnumerable<string> AllCSharp => SourceTree.TextFiles.Where(path => path.EndsWith(".cs", StringComparison.Ordinal));

    [Fact]
    public void NoTypeIsNamedForBeingUseful() => SourceTree.AssertNone(
        "A type is named for what it is in the language of the field, not Manager, Helper or Util:",
        AllCSharp.SelectMany(path => EmptyName.Matches(SourceTree.CodeOf(path)).Select(match => $"{SourceTree.Relative(path)}: {match.Value}")));

    // The bad names are spelled in two parts, so that this file itself keeps the rule.
    [Theory]
    [InlineData("class Page" + "Manager", true)]
    [InlineData("struct " + "HelperOfBits", true)]
    [InlineData("static class " + "Utilities", true)]
    [InlineData("record struct Bit" + "Utils(int X)", true)]
    [InlineData("class Utilization", false)]
    [InlineData("class Mapper", false)]
    public void TheRuleOnNamesTellsThemApart(string declaration, bool empty) => Assert.Equal(empty, EmptyName.IsMatch(declaration));

    [Fact]
    public void TestsWaitForEventsAndNeverForTime() => SourceTree.AssertNone(
        "A test that sleeps is slow when the machine is fast and wrong when it is slow; wait for a signal instead:",
        SourceTree.CSharp("tests").SelectMany(path => Sleep.Matches(SourceTree.CodeOf(path)).Select(match => $"{SourceTree.Relative(path)}: {match.Value}")));

    [Fact]
    public void EveryFileOfTheProductFitsIntoOneReading() => SourceTree.AssertNone(
        $"A file below src has at most {LinesLast} lines; a verb that grows becomes a file:",
        SourceTree.CSharp("src")
            .Select(path => (path, lines: File.ReadLines(path).Count()))
            .Where(file => file.lines > LinesLast)
            .Select(file => $"{SourceTree.Relative(file.path)}: {file.lines}"));

    [Fact]
    public void EverySilencedWarningHasItsReasonOnTheSameLine() => SourceTree.AssertNone(
        "Write the reason behind the pragma: #pragma warning disable X // why",
        AllCSharp.SelectMany(path => File.ReadLines(path)
            .Where(line => line.TrimStart().StartsWith("#pragma warning disable", StringComparison.Ordinal) && !Reason.IsMatch(line))
            .Select(line => $"{SourceTree.Relative(path)}: {line.Trim()}")));

    [Fact]
    public void EveryTextFileIsPlainUtf8WithUnixLineEnds() => SourceTree.AssertNone(
        "Text files are UTF-8 without a byte order mark, with LF line ends and a line end at the end:",
        SourceTree.TextFiles.Select(path => (path, defect: DefectOf(File.ReadAllBytes(path))))
            .Where(file => file.defect is not null)
            .Select(file => $"{SourceTree.Relative(file.path)}: {file.defect}"));

    [Fact]
    public void OneSidedFencesAreThoseThatEveryFrameworkHas() => SourceTree.AssertNone(
        "The C library may be compiled for a framework that is older than Volatile's barriers; use Fence.Reads and Fence.Writes:",
        SourceTree.CSharp("src")
            .Where(path => Path.GetFileName(path) is not "Fence.cs" && Barrier.IsMatch(SourceTree.CodeOf(path)))
            .Select(SourceTree.Relative));

    private static string? DefectOf(ReadOnlySpan<byte> content)
    {
        try
        {
            _ = StrictUtf8.GetCharCount(content);
        }
        catch (DecoderFallbackException)
        {
            return "not UTF-8";
        }

        return content.StartsWith(Encoding.UTF8.Preamble) ? "byte order mark"
            : content.Contains((byte)'\r') ? "carriage return"
            : content.Length > 0 && content[^1] != '\n' ? "no line end at the end"
            : null;
    }

    [GeneratedRegex(
        @"\b(class|struct|record|interface|enum)\s+(?!class\b|struct\b)\w*?(Manager|Helper|Util(s|ity|ities)?)(?=[A-Z]|s?\b)\w*",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex EmptyName { get; }

    [GeneratedRegex(@"\b(Thread\s*\.\s*Sleep|Task\s*\.\s*Delay)\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Sleep { get; }

    [GeneratedRegex(@"\bVolatile\s*\.\s*(Read|Write)Barrier\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Barrier { get; }

    [GeneratedRegex(@"//\s*\S", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Reason { get; }
}
