using System.Reflection;
using Xunit;

namespace FastIova.Tests.Architecture;

/// <summary>
/// The public surface is a reviewed file. When it changes on purpose, run the tests once with FASTIOVA_ACCEPT_SURFACE=1,
/// look at the difference and commit it.
/// </summary>
public sealed class PublicSurfaceTests
{
    private static readonly string ReviewedPath = Path.Combine(SourceTree.Root, "tests", "FastIova.Tests", "Architecture", "PublicSurface.txt");

    [Fact]
    public void ThePublicSurfaceIsTheReviewedOne()
    {
        string[] surface = [.. Assemblies().SelectMany(PublicSurface.Of)];
        if (Environment.GetEnvironmentVariable("FASTIOVA_ACCEPT_SURFACE") is "1")
        {
            Assert.True(Environment.GetEnvironmentVariable("CI") is null or "", "FASTIOVA_ACCEPT_SURFACE is for people; CI only checks. Unset it.");
            File.WriteAllText(ReviewedPath, string.Join('\n', surface) + "\n");
        }

        string[] reviewed = File.Exists(ReviewedPath) ? File.ReadAllLines(ReviewedPath) : [];
        string[] difference =
        [
            .. surface.Except(reviewed, StringComparer.Ordinal).Select(line => "+ " + line),
            .. reviewed.Except(surface, StringComparer.Ordinal).Select(line => "- " + line),
        ];
        SourceTree.AssertNone("The public surface changed. If that is meant, run the tests with FASTIOVA_ACCEPT_SURFACE=1 and commit PublicSurface.txt:", difference);
        Assert.Equal(surface, reviewed);
    }

    private static IEnumerable<Assembly> Assemblies()
    {
        string[] paths = [.. Directory.EnumerateFiles(AppContext.BaseDirectory, "FastIova.*.dll")
            .Where(path => !path.EndsWith(".Tests.dll", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
        Assert.NotEmpty(paths);
        return paths.Select(path => Assembly.Load(AssemblyName.GetAssemblyName(path)));
    }
}
