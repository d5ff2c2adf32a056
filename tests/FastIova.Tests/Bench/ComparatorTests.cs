using FastIova.Cli;
using Xunit;

namespace FastIova.Tests;

/// <summary>One contract for all comparators: what they answer is what a model of single pages answers.</summary>
public sealed class ComparatorTests
{
    private const ulong Page = IComparator.PageBytes;
    private const ulong LastPage = ulong.MaxValue - (Page - 1);
    private const ulong HostBase = 0x7f00_0000_0000;

    public static TheoryData<string> Kinds { get; } = ["dictionary", "sorted", "tree", "twolevel"];

    public static TheoryData<string, int, int> Runs { get; } = new()
    {
        { "dictionary", 1, 1 }, { "dictionary", 2, 200 }, { "dictionary", 3, 1200 },
        { "sorted", 1, 1 }, { "sorted", 2, 200 }, { "sorted", 3, 1200 },
        { "tree", 1, 1 }, { "tree", 2, 200 }, { "tree", 3, 1200 },
        { "twolevel", 1, 1 }, { "twolevel", 2, 200 }, { "twolevel", 3, 1200 },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public void RandomMapsUnmapsAndTranslationsAgreeWithTheModel(string kind, int seed, int pagesMax)
    {
        const int Window = 4096;
        const ulong Base = (1UL << 30) - (Window / 2 * Page);
        var random = new Random(seed);
        using IComparator comparator = Make(kind);
        var model = new Dictionary<ulong, (ulong Host, Permission Permission)>();
        int refused = 0;
        int cut = 0;
        for (int step = 0; step < 6000; step++)
        {
            string which = $"{kind}, seed {seed}, step {step}";
            int first = random.Next(Window);
            int pages = random.Next(1, int.Min(pagesMax, Window - first) + 1);
            ulong iova = Base + ((ulong)first * Page);
            switch (random.Next(8))
            {
                case < 4:
                    var permission = (Permission)random.Next(1, 4);
                    ulong host = HostBase + ((ulong)random.Next(1 << 20) * Page);
                    bool free = Enumerable.Range(0, pages).All(i => !model.ContainsKey(iova + ((ulong)i * Page)));
                    Assert.True(free == comparator.TryMap(iova, host, (ulong)pages * Page, permission), which);
                    refused += free ? 0 : 1;
                    for (int i = 0; free && i < pages; i++)
                    {
                        model[iova + ((ulong)i * Page)] = (host + ((ulong)i * Page), permission);
                    }

                    break;
                case < 6:
                    int removed = Enumerable.Range(0, pages).Count(i => model.Remove(iova + ((ulong)i * Page)));
                    Assert.True(removed != 0 == comparator.Unmap(iova, (ulong)pages * Page), which);
                    cut += removed != 0 && removed != pages ? 1 : 0;
                    break;
                default:
                    break;
            }

            for (int probe = 0; probe < 8; probe++)
            {
                AssertTranslates(comparator, model, Base + (ulong)random.NextInt64(Window * (long)Page), (Permission)random.Next(4), which);
            }
        }

        for (ulong i = 0; i < Window; i++)
        {
            AssertTranslates(comparator, model, Base + (i * Page) + (i & 0xfff), Permission.None, $"{kind}, seed {seed}, at the end");
        }

        // The run was worth something: the awkward cases occurred, and pages were left to be looked at.
        Assert.True(refused > 20, $"{refused} maps were refused");
        Assert.True(pagesMax == 1 || cut > 20, $"{cut} unmaps met holes");
        Assert.NotEmpty(model);
        Assert.True(comparator.Unmap(0, 1UL << 40));
        Assert.False(comparator.Unmap(0, 1UL << 40));
        Assert.All(model.Keys, iova => Assert.Equal(0UL, comparator.Translate(iova, Permission.None)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ALargeSetIsBuiltInAnyOrderAndTakenDownAgain(string kind)
    {
        const int Count = 262_144;
        var mappings = new Mapping[Count];
        for (int i = 0; i < Count; i++)
        {
            // Every other page, so that neighbours stay apart.
            mappings[i] = new Mapping((ulong)i * 2 * Page, HostBase + ((ulong)(Count - i) * Page), Page, Permission.Read);
        }

        new Random(7).Shuffle(mappings);
        using IComparator comparator = Make(kind);
        comparator.Reserve(Count);
        Assert.True(comparator.TryMapAll(mappings.AsSpan(0, Count / 2)));
        Assert.True(comparator.TryMapAll(mappings.AsSpan(Count / 2)));
        foreach (Mapping mapping in mappings)
        {
            ulong at = mapping.Iova + 0x123;
            if (comparator.Translate(at, Permission.Read) != mapping.Host + 0x123
                || comparator.Translate(at, Permission.Write) != 0
                || comparator.Translate(at + Page, Permission.None) != 0)
            {
                Assert.Fail($"{kind}: wrong answer at IOVA 0x{at:x}");
            }
        }

        Assert.True(comparator.Unmap(0, (ulong)Count * Page));
        Assert.All(mappings, mapping =>
            Assert.Equal(mapping.Iova < (ulong)Count * Page ? 0 : mapping.Host, comparator.Translate(mapping.Iova, Permission.None)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ABulkLoadThatMeetsAnOverlapChangesNothing(string kind)
    {
        using IComparator comparator = Make(kind);
        Assert.True(comparator.TryMap(0x10_0000, HostBase, 4 * Page, Permission.Read));
        Mapping below = new(0x8000, HostBase, Page, Permission.Read);
        Assert.False(comparator.TryMapAll([below, new(0x10_3000, HostBase, Page, Permission.Read)]));
        Assert.False(comparator.TryMapAll([below, new(0xff000, HostBase, 2 * Page, Permission.Read)]));
        Assert.False(comparator.TryMapAll([below, below]));
        Assert.False(comparator.TryMapAll([below, new(0x9000, HostBase, 0, Permission.Read)]));
        Assert.Equal(0UL, comparator.Translate(0x8000, Permission.None));
        Assert.Equal(HostBase + 0x3fff, comparator.Translate(0x10_3fff, Permission.Read));
        Assert.True(comparator.TryMapAll([new(0x20_0000, HostBase, Page, Permission.Write), below]));
        Assert.Equal(HostBase, comparator.Translate(0x8000, Permission.Read));
        Assert.Equal(HostBase, comparator.Translate(0x20_0000, Permission.Write));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TwoMebibyteRegionsAreMappedCutAndJoined(string kind)
    {
        const ulong Region = 2UL << 20;
        using IComparator comparator = Make(kind);

        // Three regions and a bit on both sides, to host memory that is only page-aligned.
        ulong iova = (8 * Region) - Page;
        Assert.True(comparator.TryMap(iova, HostBase + Page, (3 * Region) + (2 * Page), Permission.ReadWrite));
        Assert.False(comparator.TryMap(9 * Region, HostBase, Page, Permission.Read));
        Assert.True(comparator.Unmap((9 * Region) + Page, Page));
        Assert.Equal(0UL, comparator.Translate((9 * Region) + Page, Permission.None));
        Assert.True(comparator.TryMap((9 * Region) + Page, HostBase, Page, Permission.Read));
        for (ulong at = iova; at < iova + (3 * Region) + (2 * Page); at += Page)
        {
            ulong expected = at == (9 * Region) + Page ? HostBase : at - iova + HostBase + Page;
            Assert.Equal(expected + 0xabc, comparator.Translate(at + 0xabc, Permission.Read));
        }

        Assert.Equal(0UL, comparator.Translate(iova - 1, Permission.None));
        Assert.Equal(0UL, comparator.Translate(iova + (3 * Region) + (2 * Page), Permission.None));
        Assert.True(comparator.Unmap(iova, (3 * Region) + (2 * Page)));
        Assert.True(comparator.TryMap(9 * Region, HostBase, Region, Permission.Write));
        Assert.Equal(HostBase + Region - 1, comparator.Translate((10 * Region) - 1, Permission.Write));
        Assert.Equal(0UL, comparator.Translate((10 * Region) - 1, Permission.ReadWrite));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ArgumentsThatAreNotAsSaidAreRefused(string kind)
    {
        using IComparator comparator = Make(kind);
        Assert.False(comparator.TryMap(0x800, HostBase, Page, Permission.Read));
        Assert.False(comparator.TryMap(0x1000, HostBase + 1, Page, Permission.Read));
        Assert.False(comparator.TryMap(0x1000, HostBase, 0, Permission.Read));
        Assert.False(comparator.TryMap(0x1000, HostBase, 0x801, Permission.Read));
        Assert.False(comparator.TryMap(0x1000, 0, Page, Permission.Read));
        Assert.False(comparator.TryMap(0x1000, HostBase, Page, Permission.None));
        Assert.False(comparator.TryMap(LastPage, HostBase, 2 * Page, Permission.Read));
        Assert.False(comparator.Unmap(0x1000, 0));
        Assert.False(comparator.Unmap(0x800, Page));
        Assert.False(comparator.Unmap(LastPage, 2 * Page));
        Assert.Equal(0UL, comparator.Translate(0x1000, Permission.None));
        Assert.Equal(0UL, comparator.Translate(ulong.MaxValue, Permission.None));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheTopOfTheSpaceIsMappedLikeAnyOther(string kind)
    {
        // A two-level table has an end of its own.
        ulong top = string.Equals(kind, "twolevel", StringComparison.Ordinal) ? (1UL << 48) - Page : LastPage;
        using IComparator comparator = Make(kind);
        Assert.True(comparator.TryMap(top, HostBase, Page, Permission.Read));
        Assert.Equal(HostBase + 0xfff, comparator.Translate(top + 0xfff, Permission.Read));
        Assert.Equal(0UL, comparator.Translate(top - 1, Permission.Read));
        Assert.True(comparator.Unmap(top, Page));
        Assert.Equal(0UL, comparator.Translate(top, Permission.None));
    }

    private static IComparator Make(string kind) => kind switch
    {
        "dictionary" => new DictionaryComparator(),
        "sorted" => new SortedArrayComparator(),
        "tree" => new IntervalTreeComparator(),
        "twolevel" => new TwoLevelComparator(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Name one of the comparators."),
    };

    private static void AssertTranslates(
        IComparator comparator, Dictionary<ulong, (ulong Host, Permission Permission)> model, ulong iova, Permission wanted, string which)
    {
        ulong offset = iova & (Page - 1);
        ulong expected = model.TryGetValue(iova - offset, out (ulong Host, Permission Permission) to) && (to.Permission & wanted) == wanted
            ? to.Host + offset
            : 0;
        ulong answer = comparator.Translate(iova, wanted);
        Assert.True(expected == answer, $"{which}: IOVA 0x{iova:x} {wanted} gives 0x{answer:x}, expected 0x{expected:x}");
    }
}
