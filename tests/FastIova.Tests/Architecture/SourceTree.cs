using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace FastIova.Tests.Architecture;

/// <summary>The files of the working tree, as the tests of this folder see them.</summary>
internal static partial class SourceTree
{
    private static readonly HashSet<string> ForeignFolders = new(StringComparer.Ordinal)
    {
        ".git", "artifacts", "bin", "obj", "BenchmarkDotNet.Artifacts", "node_modules", "__pycache__", ".vs", ".idea", "quick",
    };

    private static readonly HashSet<string> TextExtensions = new(StringComparer.Ordinal)
    {
        ".cs", ".csproj", ".props", ".targets", ".sln", ".json", ".md", ".txt", ".yml", ".c", ".h", ".sh", ".py",
        ".editorconfig", ".gitignore", ".gitattributes", "",
    };

    /// <summary>The folder that holds FastIova.sln.</summary>
    internal static string Root { get; } = FindRoot();

    /// <summary>Every text file of the tree that is not made by a build.</summary>
    internal static IReadOnlyList<string> TextFiles { get; } =
        [.. Walk(Root).Where(path => TextExtensions.Contains(Path.GetExtension(path))).Order(StringComparer.Ordinal)];

    /// <summary>The C# files under one folder of the tree.</summary>
    internal static IEnumerable<string> CSharp(string folder) =>
        TextFiles.Where(path => Relative(path).StartsWith(folder + "/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal));

    /// <summary>The project of a file below src: the name of its first folder.</summary>
    internal static string FloorOf(string path) => Relative(path).Split('/')[1];

    internal static string Relative(string path) => Path.GetRelativePath(Root, path);

    /// <summary>The code of a C# file without what its comments say.</summary>
    internal static string CodeOf(string path) => Comment.Replace(File.ReadAllText(path), string.Empty);

    /// <summary>Fails with one line for each offender.</summary>
    internal static void AssertNone(string rule, IEnumerable<string> offenders)
    {
        string[] found = [.. offenders];
        Xunit.Assert.True(found.Length == 0, $"{rule}\n  {string.Join("\n  ", found)}");
    }

    // The path of this file, as the compiler saw it, and the program's own folder both lie in the tree.
    private static string FindRoot([CallerFilePath] string here = "")
    {
        foreach (string start in new[] { Path.GetDirectoryName(here)!, AppContext.BaseDirectory })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "FastIova.sln")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new FileNotFoundException($"No FastIova.sln above '{here}' or '{AppContext.BaseDirectory}': run the tests from a working tree.");
    }

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            // In a linked working tree .git is a file that git writes.
            if (Path.GetFileName(file) is not ".git")
            {
                yield return file;
            }
        }

        foreach (string below in Directory.EnumerateDirectories(folder))
        {
            if (!ForeignFolders.Contains(Path.GetFileName(below)))
            {
                foreach (string file in Walk(below))
                {
                    yield return file;
                }
            }
        }
    }

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/", RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Comment { get; }
}
