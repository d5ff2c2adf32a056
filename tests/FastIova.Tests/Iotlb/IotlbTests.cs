using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed unsafe class IotlbTests
{
    // From where the indices of a space without a shift begin to where those of the last end.
    private const int SmallEntries = 16384 + (Iotlb.RoomBytes / 16);
    private const int LargeEntries = 4096 + (Iotlb.RoomBytes / 16);

    [Theory]
    [InlineData(false, 11)]
    [InlineData(true, 12)]
    public void EveryWidthOfTheProbeAnswersLikeAPlainLoop(bool large, int seed) => Seeded.Run(seed, random =>
    {
        using var tlb = new Iotlb();
        int pageLg2 = large ? 21 : 12;
        ulong[] spaces = [tlb.TryNumberSpace(), tlb.TryNumberSpace(), tlb.TryNumberSpace()];
        ulong* iovas = stackalloc ulong[Probe.BatchLimit];
        ulong* hosts = stackalloc ulong[Probe.BatchLimit];
        ulong* hits = stackalloc ulong[Probe.MapWords];
        Permission* access = stackalloc Permission[Probe.BatchLimit];
        for (int round = 0; round < 400; round++)
        {
            var known = new List<ulong>();
            for (int i = 0; i < 60; i++)
            {
                ulong iova = random.NextWord() >> random.Next(30);
                known.Add(iova);
                ulong space = random.Pick<ulong>(spaces);
                if (large)
                {
                    tlb.FillLarge(iova, random.NextWord(), space, (Permission)random.Next(4));
                }
                else
                {
                    tlb.FillSmall(iova, random.NextWord(), space, (Permission)random.Next(4));
                }
            }

            int count = random.Next(Probe.BatchLimit + 1);
            for (int i = 0; i < count; i++)
            {
                ulong iova = random.Pick<ulong>([.. known]) ^ (random.NextWord() & ((1UL << pageLg2) - 1));
                iovas[i] = random.Chance(80) ? iova : iova ^ (1UL << random.Next(pageLg2, 64));
            }

            var alike = (Permission)random.Next(4);
            bool mixed = random.Chance(50);
            for (int i = 0; i < count; i++)
            {
                access[i] = mixed ? (Permission)random.Next(256) : alike;
            }

            ulong asking = random.Chance(10) ? TlbEntry.Unnumbered : random.Pick<ulong>(spaces);
            var expectedMisses = new List<byte>();
            byte* array = large ? tlb.LargeOf(asking) : tlb.SmallOf(asking);
            for (int i = 0; i < count; i++)
            {
                TlbEntry entry = ((TlbEntry*)array)[large ? (iovas[i] >> 21 & 2047) * 2 : iovas[i] >> 12 & 16383];
                bool hit = entry.Tag >> pageLg2 == iovas[i] >> pageLg2 && (entry.Tag & 0xFFC) == asking && ((Permission)(entry.Tag & 3) & access[i] & Permission.ReadWrite) == (access[i] & Permission.ReadWrite);
                if (!hit)
                {
                    expectedMisses.Add((byte)i);
                }
            }

            foreach (IsaWidth width in Widths.Supported)
            {
                new Span<ulong>(hits, Probe.MapWords).Fill(random.NextWord());
                bool all = mixed ? Run(width, large, array, asking, iovas, hosts, count, new WantsEach(access), hits) : Run(width, large, array, asking, iovas, hosts, count, new WantsAlike(alike), hits);
                byte[] missed = [.. Enumerable.Range(0, count).Where(i => (hits[i >> 6] >> (i & 63) & 1) == 0).Select(i => (byte)i)];
                Assert.Equal(expectedMisses, missed);
                Assert.Equal(missed.Length == 0, all);
                Assert.False(asking == TlbEntry.Unnumbered && missed.Length != count, "A space without a number hit.");
                for (int i = 0; i < count; i++)
                {
                    TlbEntry entry = ((TlbEntry*)array)[large ? (iovas[i] >> 21 & 2047) * 2 : iovas[i] >> 12 & 16383];
                    Assert.True(expectedMisses.Contains((byte)i) || hosts[i] == iovas[i] + entry.Addend, $"{width}: look-up {i} has the wrong host.");
                }
            }
        }
    });

    [Fact]
    public void AnInvalidationTakesTheSpanOfItsSpaceAndNothingElse() => Seeded.Run(13, random =>
    {
        for (int round = 0; round < 300; round++)
        {
            using var tlb = new Iotlb();
            ulong[] spaces = [tlb.TryNumberSpace(), tlb.TryNumberSpace()];
            ulong middle = random.Pick(0UL, 1UL << 30, (1UL << 57) - (1UL << 30), ulong.MaxValue - (1UL << 30));
            for (int i = 0; i < 500; i++)
            {
                ulong iova = middle + (random.NextWord() & ((1UL << random.Pick(14, 20, 30)) - 1));
                tlb.FillSmall(iova, 1, random.Pick<ulong>(spaces), Permission.Read);
                tlb.FillLarge(iova, 1, random.Pick<ulong>(spaces), Permission.Read);
            }

            TlbEntry[] before = Contents(tlb);
            ulong first = middle + (random.NextWord() & ((1UL << random.Pick(14, 20, 30)) - 1));
            ulong length = random.NextWord() >> random.Next(30, 64);
            var span = new IovaSpan(first, first + length < first ? ulong.MaxValue : first + length);
            tlb.Invalidate(spaces[0], span);
            TlbEntry[] after = Contents(tlb);
            for (int i = 0; i < before.Length; i++)
            {
                ulong pageMask = i < SmallEntries ? 0xFFFUL : 0x1FFFFFUL;
                var page = new IovaSpan(before[i].Tag & ~pageMask, before[i].Tag | pageMask);
                bool gone = before[i].IsOf(spaces[0]) && page.Overlaps(span);
                Assert.True(after[i] == (gone ? default : before[i]), $"Entry {i} of page {page} after the invalidation of {span}: {after[i]}.");
            }
        }
    });

    [Fact]
    public void NumbersOfSpacesRunOutAfterTheLastAndComeBackWithAnEmptyCache()
    {
        using var tlb = new Iotlb();
        var numbers = new HashSet<ulong>();
        for (int i = 1; i <= TlbEntry.SpaceLast; i++)
        {
            ulong bits = tlb.TryNumberSpace();
            Assert.NotEqual(TlbEntry.Unnumbered, bits);
            Assert.Equal(0UL, bits & ~(1023UL << 2));
            Assert.True(bits != 0 && numbers.Add(bits));
        }

        Assert.Equal(0UL, tlb.TryNumberSpace());
        tlb.FillSmall(0x5000, 1, numbers.First(), Permission.Read);
        tlb.FillLarge(0x5000, 1, numbers.First(), Permission.Read);
        tlb.Clear();
        Assert.All(Contents(tlb), entry => Assert.Equal(default, entry));
        Assert.Contains(tlb.TryNumberSpace(), numbers);
    }

    private static bool Run<TWants>(IsaWidth width, bool large, byte* array, ulong space, ulong* iovas, ulong* hosts, int count, TWants wants, ulong* hits)
        where TWants : unmanaged, IWants<TWants> => large
        ? Run<LargePages, TWants>(width, array, space, iovas, hosts, count, wants, hits)
        : Run<SmallPages, TWants>(width, array, space, iovas, hosts, count, wants, hits);

    private static bool Run<TArray, TWants>(IsaWidth width, byte* array, ulong space, ulong* iovas, ulong* hosts, int count, TWants wants, ulong* hits)
        where TArray : ITlbArray
        where TWants : unmanaged, IWants<TWants> => width switch
        {
            IsaWidth.Bits512 => Probe.Run<Wide512, TArray, TWants>(array, space, ref *iovas, ref *hosts, count, wants, (byte*)hits),
            IsaWidth.Bits256 => Probe.Run<Wide256, TArray, TWants>(array, space, ref *iovas, ref *hosts, count, wants, (byte*)hits),
            IsaWidth.Bits128 => Probe.Run<Wide128, TArray, TWants>(array, space, ref *iovas, ref *hosts, count, wants, (byte*)hits),
            _ => Probe.Run<ScalarIsa, TArray, TWants>(array, space, ref *iovas, ref *hosts, count, wants, (byte*)hits),
        };

    private static TlbEntry[] Contents(Iotlb tlb)
    {
        var all = new TlbEntry[SmallEntries + LargeEntries];
        new ReadOnlySpan<TlbEntry>(tlb.SmallOf(0), SmallEntries).CopyTo(all);
        new ReadOnlySpan<TlbEntry>(tlb.LargeOf(0), LargeEntries).CopyTo(all.AsSpan(SmallEntries));
        return all;
    }
}
