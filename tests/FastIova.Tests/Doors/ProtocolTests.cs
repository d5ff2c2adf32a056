using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using FastIova.Tests.Architecture;
using Xunit;

namespace FastIova.Tests.Doors;

public sealed partial class ProtocolTests
{
    private static readonly Dictionary<string, string> Header = Definitions(Path.Combine(SourceTree.Root, "shim", "protocol.h"));

    [Fact]
    public void TheShimAndTheEngineUseTheSameNumbers()
    {
        FieldInfo[] constants = typeof(DoorProtocol).GetFields(BindingFlags.Static | BindingFlags.NonPublic);
        Dictionary<string, FieldInfo> byName = constants.ToDictionary(field => field.Name, StringComparer.Ordinal);
        Assert.NotEmpty(Header);
        SourceTree.AssertNone(
            "Each number of shim/protocol.h stands in DoorProtocol.cs with the same value:",
            Header.Where(entry => !byName.TryGetValue(Pascal(entry.Key), out FieldInfo? field) || !string.Equals(Text(field), entry.Value, StringComparison.Ordinal))
                .Select(entry => $"{entry.Key} = {entry.Value}, not {Pascal(entry.Key)} = {(byName.TryGetValue(Pascal(entry.Key), out FieldInfo? field) ? Text(field) : "nothing")}"));
    }

    [Fact]
    public void TheShimInterposesTheCallsOnFilesAndNothingElse()
    {
        string[] allowed =
        [
            "open", "open64", "openat", "openat64", "__open_2", "__open64_2", "__openat_2", "__openat64_2", "fopen", "fopen64", "opendir", "scandir", "scandir64", "readlink", "__readlink_chk",
            "readlinkat", "__readlinkat_chk", "realpath", "__realpath_chk", "canonicalize_file_name", "access", "faccessat", "stat", "stat64", "lstat", "lstat64",
            "fstat", "fstat64", "fstatat", "fstatat64", "statx", "getxattr", "lgetxattr", "listxattr", "llistxattr", "close", "dup", "dup2",
            "dup3", "fcntl", "fcntl64", "ioctl", "mmap", "mmap64", "read", "__read_chk", "write", "pread", "pread64", "__pread_chk", "__pread64_chk", "pwrite",
            "pwrite64", "poll", "ppoll", "__poll_chk", "__ppoll_chk",
        ];
        IEnumerable<string> exported = Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "shim"), "*.c")
            .SelectMany(file => Exported.Matches(File.ReadAllText(file)).Select(match => match.Groups["name"].Value));
        Assert.Equal(allowed.Order(StringComparer.Ordinal), exported.Order(StringComparer.Ordinal));
    }

    private static Dictionary<string, string> Definitions(string header) => Definition.Matches(File.ReadAllText(header))
        .ToDictionary(match => match.Groups["name"].Value, match => Value(match.Groups["value"].Value), StringComparer.Ordinal);

    private static string Value(string text)
    {
        text = text.Trim('(', ')', '"').TrimEnd('u');
        return text.StartsWith("0x", StringComparison.Ordinal)
            ? uint.Parse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)
            : text;
    }

    private static string Text(FieldInfo field) => Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture)!;

    private static string Pascal(string name) => string.Concat(name["DOOR_".Length..].Split('_').Select(part => part[0] + part[1..].ToLowerInvariant()));

    [GeneratedRegex(@"^#define (?<name>DOOR_\w+) (?<value>""[^""]*""|\(?-?\w+\)?)", RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Definition { get; }

    [GeneratedRegex(@"^EXPORTED [\w ]+[ \*](?<name>\w+)\(", RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Exported { get; }
}
