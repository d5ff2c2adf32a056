using System.Text.RegularExpressions;
using Xunit;

namespace FastIova.Tests.Architecture;

public sealed partial class UnsafeFenceTests
{
    private static readonly string[] RawWordFloors = ["Memory", "Epochs", "PageTable", "Iotlb", "Pipeline", "Traces", "Native"];
    private static readonly string[] NativeCallFloors = ["Memory", "Traces", "Native"];

    [Fact]
    public void OnlyTheFloorsOfRawWordsContainUnsafeCode() => SourceTree.AssertNone(
        $"Unsafe code lives in {string.Join(", ", RawWordFloors)} only:",
        SourceTree.CSharp("src")
            .Where(path => !RawWordFloors.Contains(SourceTree.FloorOf(path)) && Unsafe.IsMatch(SourceTree.CodeOf(path)))
            .Select(SourceTree.Relative));

    [Fact]
    public void OnlyTheFloorsOfRawWordsAskTheCompilerForUnsafeCode() => SourceTree.AssertNone(
        $"AllowUnsafeBlocks is set in {string.Join(", ", RawWordFloors)} only:",
        SourceTree.TextFiles
            .Where(path => SourceTree.Relative(path).StartsWith("src/", StringComparison.Ordinal) && Path.GetExtension(path) is ".csproj" or ".props")
            .Where(path => SourceTree.Relative(path).StartsWith("src/", StringComparison.Ordinal) && !RawWordFloors.Contains(SourceTree.FloorOf(path)))
            .Where(path => File.ReadAllText(path).Contains("<AllowUnsafeBlocks>true", StringComparison.OrdinalIgnoreCase))
            .Select(SourceTree.Relative));

    [Fact]
    public void OnlyTheLowestFloorsCallNativeCode() => SourceTree.AssertNone(
        $"P/Invoke lives in {string.Join(", ", NativeCallFloors)} only:",
        SourceTree.CSharp("src")
            .Where(path => !NativeCallFloors.Contains(SourceTree.FloorOf(path)) && NativeImport.IsMatch(SourceTree.CodeOf(path)))
            .Select(SourceTree.Relative));

    [Fact]
    public void EveryFileWithUnsafeCodeSaysWhyItIsSafe() => SourceTree.AssertNone(
        "A file below src with unsafe code has a SAFETY: comment that names what makes its pointers valid:",
        SourceTree.CSharp("src")
            .Where(path => Unsafe.IsMatch(SourceTree.CodeOf(path)) && !File.ReadAllText(path).Contains("SAFETY:", StringComparison.Ordinal))
            .Select(SourceTree.Relative));

    [GeneratedRegex(@"\bunsafe\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Unsafe { get; }

    [GeneratedRegex(@"\b(LibraryImport|DllImport)\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex NativeImport { get; }
}
