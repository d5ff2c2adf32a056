using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

/// <summary>Every load and store of the batch paths stays inside its buffers: around them lie pages that end the process.</summary>
public sealed unsafe class PoisonTests
{
    private const int LengthLast = 300;
    private const ulong FarFirst = 1UL << 32;
    private const ulong FarEnd = FarFirst + (600UL << 21);

    private static readonly bool[] BothEnds = [false, true];

    private bool _far;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheWalksStayInsideTheirBuffers(bool linear)
    {
        var aperture = new IovaSpan(0, (1UL << 40) - 1);
        using PageTable table = linear ? new LinearTable<Granule4K>(aperture, hugePages: false) : new RadixTable<Granule4K>(aperture, 63 - 1, hugePages: false);
        Assert.Equal(MapStatus.Success, table.Map(new IovaSpan(0x10_0000, 0x2F_FFFF), 0x7000_0010_0000, Permission.Read));
        Assert.Equal(MapStatus.Success, table.Map(new IovaSpan(0x40_0000, 0x7F_FFFF), 0x7000_0040_0000, Permission.Read));
        using var iovas = new PoisonedMemory();
        using var hosts = new PoisonedMemory();
        using var next = new PoisonedMemory();
        using var wants = new PoisonedMemory();
        BatchWalk.Walks[] walks = [.. Widths.Supported.Select(width => BatchWalk.Of(table, width))];
        Seeded.Run(21, random =>
        {
            for (int count = 0; count <= LengthLast; count++)
            {
                foreach (bool atEnd in BothEnds)
                {
                    ulong* from = iovas.Place(atEnd, count);
                    ulong* to = hosts.Place(atEnd, count);
                    Fill(from, count, random);

                    // One byte for each, against the poison at the end; all alike and mixed.
                    int words = (count + 7) / 8;
                    Permission* access = (Permission*)wants.Place(atEnd, words) + (atEnd ? (words * 8) - count : 0);
                    new Span<Permission>(access, count).Fill(Permission.Read);
                    if (count > 1 && random.Chance(50))
                    {
                        access[random.Next(count)] = Permission.None;
                    }

                    foreach (BatchWalk.Walks walk in walks)
                    {
                        Assert.Equal(IsGood(from, count), walk.Run(from, to, access, count, 0));
                        AssertHosts(from, to, count);
                        foreach (int nextCount in (ReadOnlySpan<int>)[0, 1, 7, 8, 63, 64, 65, random.Next(LengthLast)])
                        {
                            ulong* ahead = next.Place(atEnd, nextCount);
                            Fill(ahead, nextCount, random);
                            bool good = walk.RunAhead(from, to, access, count, 0, ahead, nextCount, announced: (nextCount & 1) != 0);
                            Assert.Equal(IsGood(from, count), good);
                        }

                        AssertHosts(from, to, count);
                    }
                }
            }
        });
    }

    [Theory]
    [InlineData(TableShape.TwoLevel, false)]
    [InlineData(TableShape.TwoLevel, true)]
    [InlineData(TableShape.Linear, false)]
    [InlineData(TableShape.Linear, true)]
    public void APortStaysInsideTheBuffersOfItsBatches(TableShape shape, bool farTable)
    {
        using var iommu = new Iommu();
        using Domain domain = iommu.CreateDomain(new DomainOptions { Shape = shape, Aperture = new IovaSpan(0, (1UL << 40) - 1), HugePageTables = false });
        PageTable table = domain.Table;
        Assert.Equal(MapStatus.Success, table.Map(new IovaSpan(0x10_0000, 0x2F_FFFF), 0x7000_0010_0000, Permission.Read));
        Assert.Equal(MapStatus.Success, table.Map(new IovaSpan(0x40_0000, 0x7F_FFFF), 0x7000_0040_0000, Permission.Read));
        if (farTable)
        {
            // More leaf tables than lie near, so that the walk asks ahead.
            _far = true;
            for (ulong half = FarFirst; half < FarEnd; half += 1UL << 20)
            {
                Assert.Equal(MapStatus.Success, table.Map(new IovaSpan(half, half + (1UL << 20) - 1), HostOf(half), Permission.Read));
            }

            Assert.True(table.BytesTouched > 1 << 20);
        }

        using var iovas = new PoisonedMemory();
        using var hosts = new PoisonedMemory();
        using var next = new PoisonedMemory();
        using var wants = new PoisonedMemory();
        Seeded.Run(22, random =>
        {
            foreach (IsaWidth width in Widths.Supported)
            {
                using DmaPort port = iommu.OpenPort(new DmaPortOptions { Isa = width });
                port.Attach(domain);
                for (int count = 0; count <= LengthLast; count++)
                {
                    foreach (bool atEnd in BothEnds)
                    {
                        ulong* from = iovas.Place(atEnd, count);
                        ulong* to = hosts.Place(atEnd, count);
                        Fill(from, count, random);
                        int nextCount = random.Pick(0, 1, 7, 8, 63, 64, 65, random.Next(LengthLast));
                        ulong* ahead = next.Place(atEnd, nextCount);
                        Fill(ahead, nextCount, random);
                        int words = (count + 7) / 8;
                        Permission* access = (Permission*)wants.Place(atEnd, words) + (atEnd ? (words * 8) - count : 0);
                        foreach (ref Permission each in new Span<Permission>(access, count))
                        {
                            each = random.Pick(Permission.Read, Permission.None);
                        }

                        var batch = new ReadOnlySpan<ulong>(from, count);
                        var answers = new Span<nuint>(to, count);
                        var announced = new ReadOnlySpan<ulong>(ahead, nextCount);
                        bool good = random.Chance(50)
                            ? port.TranslateBatch(batch, answers, Permission.Read, out Fault fault, announced)
                            : port.TranslateBatch(batch, answers, new ReadOnlySpan<Permission>(access, count), out fault, announced);
                        Assert.Equal(IsGood(from, count), good);
                        Assert.Equal(good ? FaultReason.None : FaultReason.NotMapped, fault.Reason == FaultReason.OutsideAperture ? FaultReason.NotMapped : fault.Reason);
                        AssertHosts(from, to, count);
                    }
                }

                port.Detach();
            }
        });
    }

    // Mostly mapped; a third of the batches has holes and garbage.
    private void Fill(ulong* iovas, int count, Random random)
    {
        bool holes = random.Chance(33);
        for (int i = 0; i < count; i++)
        {
            iovas[i] = _far && random.Chance(70) ? (ulong)random.NextInt64((long)FarFirst, (long)FarEnd)
                : holes && random.Chance(10) ? random.NextWord() >> random.Next(64)
                : random.Chance(50) ? 0x10_0000 + (ulong)random.Next(0x20_0000)
                : 0x40_0000 + (ulong)random.Next(0x40_0000);
        }
    }

    private ulong HostOf(ulong iova) =>
        iova is (>= 0x10_0000 and < 0x30_0000) or (>= 0x40_0000 and < 0x80_0000) || (_far && iova is >= FarFirst and < FarEnd)
            ? iova + 0x7000_0000_0000
            : 0;

    private bool IsGood(ulong* iovas, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (HostOf(iovas[i]) == 0)
            {
                return false;
            }
        }

        return true;
    }

    private void AssertHosts(ulong* iovas, ulong* hosts, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (hosts[i] != HostOf(iovas[i]))
            {
                Assert.Fail($"Look-up {i} of {count}, 0x{iovas[i]:x}, must give 0x{HostOf(iovas[i]):x} and gave 0x{hosts[i]:x}.");
            }
        }
    }
}
