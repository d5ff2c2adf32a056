using Xunit;

namespace FastIova.Tests;

/// <summary>The two-level table does what the flat one does: the same answers to the same calls, whichever short way they take.</summary>
public sealed class TablesAgreeTests
{
    private const ulong Page = 4096;
    private const ulong Low = 1UL << 30;
    private const ulong High = Low + (1UL << 24) - 1;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomCallsHaveTheSameOutcome(int seed)
    {
        var aperture = new IovaSpan(Low, High);
        using var radix = new RadixTable<Granule4K>(aperture, 12, hugePages: false);
        using var linear = new LinearTable<Granule4K>(aperture, hugePages: false);
        var random = new Random(seed);
        int[] outcomes = new int[32];
        for (int step = 0; step < 3000; step++)
        {
            (MapStatus Status, ulong Bytes) expected = default;
            (MapStatus Status, ulong Bytes) actual = default;
            ulong host = random.Next(40) == 0 ? 0 : (ulong)random.Next(1, 1 << 20) * Page;
            Permission permission = random.Next(40) == 0 ? Permission.None : (Permission)random.Next(1, 4);
            switch (random.Next(5))
            {
                case 0:
                    IovaSpan mapped = Span(random);
                    expected.Status = linear.Map(mapped, host, permission);
                    actual.Status = radix.Map(mapped, host, permission);
                    break;
                case 1:
                    IovaSpan unmapped = Span(random);
                    expected.Status = linear.Unmap(unmapped, out expected.Bytes);
                    actual.Status = radix.Unmap(unmapped, out actual.Bytes);
                    break;
                case 2 or 3:
                    ulong[] iovas = new ulong[random.Next(1, 150)];
                    ulong[] hosts = new ulong[iovas.Length];
                    for (int i = 0; i < iovas.Length; i++)
                    {
                        iovas[i] = Address(random, 400);
                        hosts[i] = random.Next(4000) == 0 ? 0 : (ulong)random.Next(1, 1 << 20) * Page;
                    }

                    expected.Status = linear.MapScattered(iovas, hosts, permission);
                    actual.Status = radix.MapScattered(iovas, hosts, permission);

                    // Of several defects in one list either table may name another one first.
                    actual.Status = actual.Status != MapStatus.Success && expected.Status != MapStatus.Success ? expected.Status : actual.Status;
                    break;
                default:
                    var spans = new IovaSpan[random.Next(200)];
                    bool single = random.Next(2) == 0;
                    for (int i = 0; i < spans.Length; i++)
                    {
                        ulong first = Address(random, 4000);
                        spans[i] = single ? new IovaSpan(first, first + Page - 1) : Span(random);
                    }

                    expected.Status = linear.UnmapList(spans, out expected.Bytes, out int linearRefused);
                    actual.Status = radix.UnmapList(spans, out actual.Bytes, out int radixRefused);
                    Assert.Equal(linearRefused, radixRefused);
                    break;
            }

            outcomes[(int)expected.Status]++;
            Assert.True(expected == actual, $"seed {seed}, step {step}: {actual}, the flat table says {expected}");
            Assert.Equal(linear.MappedBytes, radix.MappedBytes);
        }

        Assert.True(outcomes[(int)MapStatus.Success] > 500 && outcomes[(int)MapStatus.Overlap] > 50 && outcomes[(int)MapStatus.Misaligned] > 5);
        for (ulong iova = Low; iova < High; iova += Page)
        {
            Assert.Equal(linear.Walk(iova, out _), radix.Walk(iova, out _));
        }
    }

    // Mostly pages, sometimes outside, now and then misaligned.
    private static ulong Address(Random random, int odds) => random.Next(odds) switch
    {
        0 => Low - Page,
        1 => High + 1,
        2 => Low + 12,
        _ => Low + ((ulong)random.Next(1 << 12) * Page),
    };

    private static IovaSpan Span(Random random)
    {
        ulong first = Address(random, 100);
        ulong pages = random.Next(3) == 0 ? (ulong)random.Next(1, 1500) : 1;
        return new IovaSpan(first, first + (pages * Page) - (random.Next(50) == 0 ? 2UL : 1));
    }
}
