using Xunit;

namespace FastIova.Tests;

public sealed unsafe class PublicationTests
{
    private const ulong Page = 4096;

    [Fact]
    public void NeighboursShareALine()
    {
        using var epoch = new Epoch(TimeSpan.FromSeconds(1));
        ulong before = *epoch.Now;
        ulong target = epoch.Publish(7, [Pages(0, 1), Pages(1, 2), Pages(5, 1), Pages(4, 1), Pages(5, 3)]);
        Span<Invalidation> lines = stackalloc Invalidation[8];
        Assert.True(epoch.ReadLog(before, lines, out int count));
        Invalidation[] expected = [Line(0, 3), Line(5, 1), Line(4, 4)];
        Assert.Equal(expected, lines[..count].ToArray());
        Assert.Equal(before + 3, target);
        Assert.Equal(target, *epoch.Now);
    }

    [Fact]
    public void AListLongerThanTheLogIsPublishedWhole()
    {
        using var epoch = new Epoch(TimeSpan.FromSeconds(1));
        ulong before = *epoch.Now;
        IovaSpan[] spans = [.. Enumerable.Range(0, Epoch.LogCapacity + 100).Select(i => Pages((ulong)i * 2, 1))];
        ulong target = epoch.Publish(7, spans);
        Assert.Equal(before + (ulong)spans.Length, target);
        Span<Invalidation> lines = stackalloc Invalidation[64];
        Assert.False(epoch.ReadLog(before, lines, out _), "the log has lapped a reader that far behind");
        Assert.True(epoch.ReadLog(target - 64, lines, out int count));
        Assert.Equal(64, count);
        Assert.Equal(new Invalidation(7, spans[^1].First, spans[^1].Last), lines[63]);
    }

    // An unmap of a list is heard by a port that holds all of it, even when the list is longer than one pass over the log.
    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(256)]
    [InlineData(3000)]
    public void APortForgetsEveryPageOfAList(int count)
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain(new DomainOptions { LargestPageLg2 = 12 });
        using var memory = HostMemory.Allocate(Page);
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        IovaSpan[] spans = [.. Enumerable.Range(0, count).Select(i => Pages(((ulong)i * 3) + 1, 1))];
        foreach (IovaSpan span in spans)
        {
            Assert.Equal(MapStatus.Success, domain.TryMap(span.First, memory, 0, Page, Permission.Read));
            Assert.True(port.TryTranslate(span.First, Permission.Read, out _));
        }

        Assert.Equal(MapStatus.Success, domain.TryUnmap(spans, out ulong bytes, out _));
        Assert.Equal((ulong)count * Page, bytes);
        Assert.All(spans, span => Assert.False(port.TryTranslate(span.First, Permission.Read, out _)));
    }

    private static IovaSpan Pages(ulong first, ulong count) => new(first * Page, ((first + count) * Page) - 1);

    private static Invalidation Line(ulong first, ulong count) => new(7, first * Page, ((first + count) * Page) - 1);
}
