using System.Text.RegularExpressions;
using FastIova.Tests.Architecture;
using Xunit;

namespace FastIova.Tests.Native;

/// <summary>The C# of docs/embedding.md runs here. Its C programs and commands are run by tests/native/run.sh.</summary>
public sealed partial class EmbeddingTests
{
    [Fact]
    public void ADeviceModelIsDrivenThroughAFunction()
    {
#pragma warning disable xUnit1051 // the text is the document's, which knows of no tests
        // <embedding>
        using var iommu = new Iommu();
        using HostMemory ram = HostMemory.Allocate(16 << 20);
        using Domain domain = iommu.CreateDomain();
        using DmaPort port = iommu.OpenPort(new DmaPortOptions { Name = "edu", Device = 0x0008 });
        port.Attach(domain);

        using var interrupt = new SemaphoreSlim(0);
        using var edu = new PciFunction(new EduModel(), port, fault => Console.WriteLine(fault))
        {
            OnIntx = isAsserted => { if (isAsserted) { interrupt.Release(); } },
        };
        edu.WriteConfig(4, [6, 0]); // memory space, bus master

        // What the guest's driver does: map a buffer, and have the device copy it into its own memory (at 0x40000).
        domain.TryMap(iova: 0x10_0000, ram, offset: 0, length: 4096, Permission.Read);
        WriteRegister(0x80, 0x10_0000); // from
        WriteRegister(0x88, 0x4_0000);  // to
        WriteRegister(0x90, 64);        // bytes
        WriteRegister(0x98, 1 | 4);     // run, and tell
        interrupt.Wait();

        void WriteRegister(ulong offset, ulong value) => edu.WriteBar(0, offset, BitConverter.GetBytes(value));
        // </embedding>
#pragma warning restore xUnit1051 // see above

        byte[] status = new byte[8];
        edu.ReadBar(0, 0x98, status);
        Assert.Equal(0, status[0] & 1);
        Assert.True(edu.IsIntxAsserted);
    }

    [Fact]
    public void EveryCSharpBlockOfTheDocumentIsARegionOfThisFile()
    {
        string[] blocks = [.. Block.Matches(Read("docs", "embedding.md")).Select(match => Trimmed(match.Groups["text"].Value))];
        string[] regions = [.. Region.Matches(Read("tests", "FastIova.Tests", "Native", "EmbeddingTests.cs")).Select(match => Trimmed(match.Groups["text"].Value))];
        Assert.NotEmpty(blocks);
        Assert.Equal(regions, blocks);
    }

    [Fact]
    public void NoBlockOfTheDocumentIsOfAKindThatNobodyRuns() =>
        Assert.All(Fence.Matches(Read("docs", "embedding.md")).Select(match => match.Groups["kind"].Value), kind => Assert.True(kind is "c" or "sh" or "csharp" or "", $"A block of docs/embedding.md is of the kind '{kind}'."));

    private static string Read(params string[] path) => File.ReadAllText(Path.Combine([SourceTree.Root, .. path]));

    private static string Trimmed(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim())).Trim();

    [GeneratedRegex(@"^```csharp\n(?<text>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Block { get; }

    [GeneratedRegex(@"^\s*// <embedding>\n(?<text>.*?)^\s*// </embedding>", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Region { get; }

    [GeneratedRegex(@"^```(?<kind>\w*)$", RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Fence { get; }
}
