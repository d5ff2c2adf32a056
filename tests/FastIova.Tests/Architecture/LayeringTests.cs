using System.Xml.Linq;
using Xunit;

namespace FastIova.Tests.Architecture;

public sealed class LayeringTests
{
    // The floors of LANGUAGE.md. A project refers to strictly lower floors only; siblings never import each other.
    private static readonly Dictionary<string, int> Floors = new(StringComparer.Ordinal)
    {
        ["Uapi"] = 0,
        ["Addressing"] = 0,
        ["Traces"] = 0,
        ["Intervals"] = 1,
        ["Memory"] = 1,
        ["Epochs"] = 2,
        ["PageTable"] = 3,
        ["Iotlb"] = 3,
        ["Pinning"] = 3,
        ["Pipeline"] = 4,
        ["AddressSpace"] = 4,
        ["Devices"] = 5,
        ["ControlPlane"] = 6,
        ["Models"] = 6,
        ["Native"] = 7,
        ["Doors"] = 7,
        ["Cli"] = 8,
    };

    [Fact]
    public void EveryProjectHasAFloorAndTheNameOfItsFolder() => SourceTree.AssertNone(
        "Each project below src has a floor in this test and in LANGUAGE.md, and the name of its folder:",
        Projects().Where(path => !Floors.ContainsKey(SourceTree.FloorOf(path))
                || !string.Equals(SourceTree.Relative(path), $"src/{SourceTree.FloorOf(path)}/{SourceTree.FloorOf(path)}.csproj", StringComparison.Ordinal))
            .Select(SourceTree.Relative));

    [Fact]
    public void AProjectRefersToLowerFloorsOnly()
    {
        Assert.NotEmpty(Projects());
        SourceTree.AssertNone("References go from a floor to a strictly lower one:", Projects().SelectMany(ForbiddenArrows));
    }

    [Fact]
    public void TheTableInTheLanguageFileIsTheOneEnforced()
    {
        string language = File.ReadAllText(Path.Combine(SourceTree.Root, "LANGUAGE.md"));
        SourceTree.AssertNone(
            "LANGUAGE.md has one row '| floor | projects |' for each floor, with the projects in the order of this test:",
            Floors.GroupBy(floor => floor.Value, floor => floor.Key)
                .Select(floor => $"| {floor.Key} | {string.Join(", ", floor)} |")
                .Where(row => !language.Contains(row, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Iotlb", "PageTable", false)]
    [InlineData("Memory", "Epochs", false)]
    [InlineData("Traces", "Addressing", false)]
    [InlineData("Pipeline", "Iotlb", true)]
    [InlineData("Pipeline", "Unheard", false)]
    public void TheRuleItselfTellsArrowsApart(string from, string to, bool allowed) => Assert.Equal(allowed, IsAllowed(from, to));

    private static IEnumerable<string> ForbiddenArrows(string project)
    {
        string from = SourceTree.FloorOf(project);
        return XDocument.Load(project).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))
            .Where(to => !IsAllowed(from, to))
            .Select(to => $"{from} ({FloorName(from)}) -> {to} ({FloorName(to)})");
    }

    private static bool IsAllowed(string from, string to) =>
        Floors.TryGetValue(from, out int upper) && Floors.TryGetValue(to, out int lower) && lower < upper;

    private static string FloorName(string project) => Floors.TryGetValue(project, out int floor) ? $"floor {floor}" : "no floor";

    private static IEnumerable<string> Projects() =>
        SourceTree.TextFiles.Where(path => SourceTree.Relative(path).StartsWith("src/", StringComparison.Ordinal) && path.EndsWith(".csproj", StringComparison.Ordinal));
}
