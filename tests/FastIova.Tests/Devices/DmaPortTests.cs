using FastIova.Tests.TestKit;
using Xunit;

namespace FastIova.Tests;

public sealed class DmaPortTests : IDisposable
{
    private readonly Iommu _iommu = new();
    private readonly Domain _domain;
    private readonly DmaPort _port;
    private readonly HostMemory _memory = HostMemory.Allocate(8 << 20);

    public DmaPortTests()
    {
        _domain = _iommu.CreateDomain();
        _port = _iommu.OpenPort(new DmaPortOptions { Name = "nic", Device = 0x100 });
        _port.Attach(_domain);
    }

    public void Dispose()
    {
        _port.Dispose();
        _domain.Dispose();
        _iommu.Dispose();
        _memory.Dispose();
    }

    [Fact]
    public void AnAccessAcrossPagesArrivesInTheMemoryOfEach()
    {
        // Neighbours in IOVA, apart and in the other order in memory.
        Map(0x10_0000, 0x3000, 0x1000, Permission.ReadWrite);
        Map(0x10_1000, 0x1000, 0x1000, Permission.ReadWrite);
        byte[] data = [.. Enumerable.Range(1, 100).Select(i => (byte)i)];
        Assert.True(_port.Write(0x10_0FCE, data, out Fault fault));
        Assert.Equal(default, fault);
        Assert.Equal(data.AsSpan(0, 50), _memory.Bytes(0x3FCE, 50));
        Assert.Equal(data.AsSpan(50), _memory.Bytes(0x1000, 50));
        byte[] back = new byte[100];
        Assert.True(_port.Read(0x10_0FCE, back, out _));
        Assert.Equal(data, back);
    }

    [Fact]
    public void TheBytesBeforeAFaultAreTransferredAndTheFaultNamesTheFirstThatWasNot()
    {
        Map(0x10_0000, 0, 0x1000, Permission.ReadWrite);
        Map(0x10_2000, 0x2000, 0x1000, Permission.Read);
        byte[] data = new byte[0x2000];
        Array.Fill(data, (byte)0x5A);
        Assert.False(_port.Write(0x10_0800, data, out Fault fault));
        Assert.Equal(new Fault(0x10_1000, Permission.Write, FaultReason.NotMapped, 0x100, Fault.NoPasid), fault);
        Assert.Equal(-1, _memory.Bytes(0x800, 0x800).IndexOfAnyExcept((byte)0x5A));
        Assert.Equal(-1, _memory.Bytes(0, 0x800).IndexOfAnyExcept((byte)0));
        byte[] buffer = new byte[0x1000];
        Assert.False(_port.Read(0x10_0800, buffer, out fault));
        Assert.Equal(new Fault(0x10_1000, Permission.Read, FaultReason.NotMapped, 0x100, Fault.NoPasid), fault);
        Assert.Equal(0x800, buffer.Count(b => b == 0x5A));
        Assert.False(_port.Write(0x10_2000, data.AsSpan(0, 4), out fault));
        Assert.Equal((0x10_2000UL, FaultReason.PermissionDenied), (fault.Iova, fault.Reason));
        Assert.Equal(0, _memory.Bytes(0x2000, 4)[0]);
    }

    [Fact]
    public void EveryFaultTellsWhereWhatWhyAndWhose()
    {
        Map(0x10_0000, 0, 0x1000, Permission.Read);
        AssertFault(0x20_0000, Permission.Read, FaultReason.NotMapped);
        AssertFault(0x10_0000, Permission.Write, FaultReason.PermissionDenied);
        AssertFault(1UL << 48, Permission.Read, FaultReason.OutsideAperture);
        AssertFault(ulong.MaxValue, Permission.None, FaultReason.OutsideAperture);
        AssertFault(0x10_0000, Permission.Read, FaultReason.NotAttached, 9);
        Assert.False(_port.Read(ulong.MaxValue - 1, new byte[3], out Fault fault));
        Assert.Equal(new Fault(ulong.MaxValue - 1, Permission.Read, FaultReason.Wraps, 0x100, Fault.NoPasid), fault);
        Assert.Equal(0UL, _port.TranslateRange(ulong.MaxValue, 2, Permission.Write, new HostSegment[1], out int count, out fault, 7));
        Assert.Equal((0, new Fault(ulong.MaxValue, Permission.Write, FaultReason.Wraps, 0x100, 7)), (count, fault));
        Assert.False(_port.FetchAdd(0x10_0002, 1u, out _, out fault));
        Assert.Equal(new Fault(0x10_0002, Permission.ReadWrite, FaultReason.Misaligned, 0x100, Fault.NoPasid), fault);
        Assert.Contains("Misaligned at IOVA 0x100002, ReadWrite wanted, device 256, no PASID", fault.ToString(), StringComparison.Ordinal);
        Assert.Equal(new Fault(0x10_0000, Permission.Read, FaultReason.None, 0x100, Fault.NoPasid), _port.Explain(0x10_0000, Permission.Read));

        void AssertFault(ulong iova, Permission access, FaultReason reason, uint pasid = Fault.NoPasid)
        {
            Assert.False(_port.TranslateBatch([iova], new nuint[1], access, out Fault batch, default, pasid));
            Assert.Equal(new Fault(iova, access, reason, 0x100, pasid), batch);
            Assert.Equal(batch, _port.Explain(iova, access, pasid));
            Assert.Equal(0UL, _port.TranslateRange(iova, 1, access, new HostSegment[1], out _, out Fault range, pasid));
            Assert.Equal(batch, range);
        }
    }

    [Fact]
    public void AnAccessOfNoBytesIsGoodAnywhere()
    {
        Assert.True(_port.Read(ulong.MaxValue, [], out Fault fault));
        Assert.True(_port.Write(0x5000, [], out fault, 3));
        Assert.True(_port.TranslateBatch([], [], Permission.Read, out fault, default, 3));
        Assert.Equal(0UL, _port.TranslateRange(0x5000, 0, Permission.Read, [], out int count, out fault));
        Assert.Equal((0, default), (count, fault));
    }

    [Fact]
    public void AtomicsGiveTheOldValueAndChangeOnlyWhatMatches()
    {
        Map(0x10_0000, 0, 0x1000, Permission.ReadWrite);
        Map(0x10_1000, 0x1000, 0x1000, Permission.Read);
        Assert.True(_port.FetchAdd(0x10_0FFC, uint.MaxValue, out uint old32, out _));
        Assert.True(_port.FetchAdd(0x10_0FFC, 3u, out uint then32, out _));
        Assert.Equal((0u, uint.MaxValue), (old32, then32));
        Assert.Equal(2u, BitConverter.ToUInt32(_memory.Bytes(0xFFC, 4)));
        Assert.True(_port.FetchAdd(0x10_0008, ulong.MaxValue, out ulong old64, out _));
        Assert.Equal((0UL, ulong.MaxValue), (old64, BitConverter.ToUInt64(_memory.Bytes(8, 8))));
        Assert.True(_port.CompareExchange(0x10_0008, 5UL, 6UL, out old64, out _));
        Assert.Equal((ulong.MaxValue, ulong.MaxValue), (old64, BitConverter.ToUInt64(_memory.Bytes(8, 8))));
        Assert.True(_port.CompareExchange(0x10_0008, ulong.MaxValue, 6UL, out _, out _));
        Assert.Equal(6UL, BitConverter.ToUInt64(_memory.Bytes(8, 8)));
        Assert.True(_port.CompareExchange(0x10_0FFC, 2u, 9u, out old32, out _));
        Assert.Equal((2u, 9u), (old32, BitConverter.ToUInt32(_memory.Bytes(0xFFC, 4))));
        Assert.False(_port.FetchAdd(0x10_1000, 1UL, out old64, out Fault fault));
        Assert.Equal((0UL, FaultReason.PermissionDenied), (old64, fault.Reason));
        Assert.False(_port.CompareExchange(0x10_0004, 0UL, 1UL, out _, out fault));
        Assert.Equal(FaultReason.Misaligned, fault.Reason);
        Assert.False(_port.CompareExchange(0x10_0001, 0u, 1u, out _, out fault, 4));
        Assert.Equal((FaultReason.Misaligned, 4u), (fault.Reason, fault.Pasid));
    }

    [Fact]
    public void ARangeIsCutWhereHostMemoryIsCutAndSaysWhenItIsFull()
    {
        Map(0x20_0000, 0x20_0000, 0x20_3000, Permission.ReadWrite); // a large page and three granules, contiguous
        Map(0x40_3000, 0x1000, 0x1000, Permission.Read);
        var segments = new HostSegment[4];
        Assert.Equal(0x20_3800UL, _port.TranslateRange(0x20_0800, 0x20_4000, Permission.Read, segments, out int count, out Fault fault));
        Assert.Equal((2, 0x40_4000UL, FaultReason.NotMapped), (count, fault.Iova, fault.Reason));
        Assert.Equal(new HostSegment(_memory.Address + 0x20_0800, 0x20_2800), segments[0]);
        Assert.Equal(new HostSegment(_memory.Address + 0x1000, 0x1000), segments[1]);
        Assert.Equal(0x20_2800UL, _port.TranslateRange(0x20_0800, 0x20_3000, Permission.Read, segments.AsSpan(0, 1), out count, out fault));
        Assert.Equal((1, default), (count, fault));
        Assert.Equal(0x20_2800UL, _port.TranslateRange(0x20_0800, 0x20_3000, Permission.Write, segments, out count, out fault));
        Assert.Equal((1, FaultReason.PermissionDenied, 0x40_3000UL), (count, fault.Reason, fault.Iova));
    }

    [Fact]
    public void PasidsSeeTheirOwnDomainsAndDetachTakesTheTranslationsAway()
    {
        using Domain other = _iommu.CreateDomain();
        Map(0x10_0000, 0, 0x1000, Permission.Read);
        Assert.Equal(MapStatus.Success, other.TryMap(0x10_0000, _memory, 0x5000, 0x1000, Permission.Read));
        _port.Attach(other, 1);
        _port.Attach(_domain, DmaPort.PasidEnd - 1);
        for (int i = 0; i < 3; i++)
        {
            Assert.True(_port.TryTranslate(0x10_0004, Permission.Read, out nuint plain));
            Assert.True(_port.TryTranslate(0x10_0004, Permission.Read, 1, out nuint own));
            Assert.True(_port.TryTranslate(0x10_0004, Permission.Read, DmaPort.PasidEnd - 1, out nuint same));
            Assert.Equal((_memory.Address + 4, _memory.Address + 0x5004, _memory.Address + 4), (plain, own, same));
        }

        Assert.Throws<InvalidOperationException>(other.Dispose);
        _port.Attach(_domain, 1); // in place of the other
        Assert.True(_port.TryTranslate(0x10_0004, Permission.Read, 1, out nuint replaced));
        Assert.Equal(_memory.Address + 4, replaced);
        Assert.True(_port.Detach(1));
        Assert.False(_port.Detach(1));
        Assert.False(_port.TryTranslate(0x10_0004, Permission.Read, 1, out nuint gone));
        Assert.Equal((nuint)0, gone);
        Assert.True(_port.Detach());
        nuint[] hosts = [1, 1, 7];
        Assert.False(_port.TranslateBatch([0x10_0004, 0x10_0008], hosts, Permission.Read, out Fault fault));
        Assert.Equal((FaultReason.NotAttached, 0x10_0004UL), (fault.Reason, fault.Iova));
        Assert.Equal([0, 0, 7], hosts);
        Assert.Contains($"{DmaPort.PasidEnd}", Assert.Throws<ArgumentException>(() => _port.Attach(_domain, DmaPort.PasidEnd)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => _port.Detach(DmaPort.PasidEnd));
        using var foreign = new Iommu();
        using Domain elsewhere = foreign.CreateDomain();
        Assert.Throws<ArgumentException>(() => _port.Attach(elsewhere));
    }

    [Fact]
    public void MoreSpacesThanTheCacheHasNumbersNeverAnswerForEachOther()
    {
        using Domain other = _iommu.CreateDomain();
        Map(0x10_0000, 0, 0x1000, Permission.Read);
        Map(0x20_0000, 0x20_0000, 0x20_0000, Permission.Read);
        other.TryMap(0x10_0000, _memory, 0x5000, 0x1000, Permission.Read);
        _port.Attach(other, 2);
        for (int i = 0; i < 2600; i++)
        {
            // Every flush of a whole space takes a new number; the other space keeps its own all the while.
            other.TrackDirty(i % 2 == 0);
            Assert.True(_port.TryTranslate(0x10_0010, Permission.Read, out nuint plain));
            Assert.True(_port.TryTranslate(0x10_0010, Permission.Read, 2, out nuint own));
            Assert.Equal((_memory.Address + 0x10, _memory.Address + 0x5010), (plain, own));
            Assert.True(_port.TryTranslate(0x20_0010, Permission.Read, out _));
            Assert.False(_port.TryTranslate(0x20_0010, Permission.Read, 2, out _));
        }

        Assert.True(_port.Detach(2));
    }

    [Fact]
    public void APortThatTheLogHasLappedForgetsEverything()
    {
        Map(0x10_0000, 0, 0x1000, Permission.Read);
        Map(0x20_0000, 0x20_0000, 0x20_0000, Permission.Read);
        Assert.True(_port.TryTranslate(0x10_0000, Permission.Read, out _));
        Assert.True(_port.TryTranslate(0x20_0000, Permission.Read, out _));
        IovaSpan[] nothing = [.. Enumerable.Range(0, 5000).Select(i => IovaSpan.Of((1UL << 40) + ((ulong)i << 13), 4096))];
        Assert.Equal(4096UL, _domain.Unmap(0x10_0000, 4096));
        Assert.Equal(0x20_0000UL, _domain.Unmap(0x20_0000, 0x20_0000));
        Assert.Equal(MapStatus.Success, _domain.TryUnmap(nothing, out ulong bytes, out _));
        Assert.Equal(0UL, bytes);
        Assert.False(_port.TryTranslate(0x10_0000, Permission.Read, out _));
        Assert.False(_port.TryTranslate(0x20_0000, Permission.Read, out _));
    }

    [Fact]
    public void UnmapReturnsWhenTheScopeThatHoldsATranslationHasEndedAndNotBefore()
    {
        using var reported = new ManualResetEventSlim();
        StuckReader? stuck = null;
        using var iommu = new Iommu(new IommuOptions { StuckReaderAfter = TimeSpan.FromMilliseconds(1), OnStuckReader = Report });
        using Domain domain = iommu.CreateDomain();
        using DmaPort port = iommu.OpenPort(new DmaPortOptions { Name = "slow" });
        port.Attach(domain);
        Assert.Equal(MapStatus.Success, domain.TryMap(0x1000, _memory, 0, 0x1000, Permission.Read));
        using var reader = new ParkedReader(park =>
        {
            using DmaScope outer = port.Enter();
            using (DmaScope inner = port.Enter())
            {
                port.TryTranslate(0x1000, Permission.Read, out _);
            }

            park(); // still in the outer one
        });
        var writer = new Thread(() => domain.Unmap(0x1000, 0x1000)) { IsBackground = true };
        writer.Start();
        reported.Wait(TestContext.Current.CancellationToken);
        Assert.True(writer.IsAlive);
        Assert.Equal("slow", stuck!.Reader);
        reader.Leave();
        writer.Join();
        Assert.False(port.TryTranslate(0x1000, Permission.Read, out _));

        void Report(StuckReader who)
        {
            stuck ??= who;
            reported.Set();
        }
    }

    [Fact]
    public void DomainsAndPortsOutliveTheirIommuInEveryOrder()
    {
        var iommu = new Iommu();
        Domain domain = iommu.CreateDomain();
        DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        iommu.Dispose();
        iommu.Dispose();
        Assert.Equal(MapStatus.Success, domain.TryMap(0x1000, _memory, 0, 0x1000, Permission.Read));
        Assert.True(port.TryTranslate(0x1000, Permission.Read, out _));
        Assert.Throws<InvalidOperationException>(domain.Dispose);
        port.Dispose();
        port.Dispose();
        Assert.Equal(0x1000UL, domain.Unmap(0x1000, 0x1000));
        domain.Dispose();
        domain.Dispose();
        Assert.Throws<ObjectDisposedException>(() => domain.TryMap(0x1000, _memory, 0, 0x1000, Permission.Read));
        Assert.Throws<ObjectDisposedException>(() => domain.Unmap(0x1000, 0x1000));
        Assert.Throws<ObjectDisposedException>(() => port.Attach(domain));
        Assert.Throws<ObjectDisposedException>(() => iommu.CreateDomain());
        Assert.Throws<ObjectDisposedException>(() => iommu.OpenPort());
    }

    [Fact]
    public void TooFewPlacesForTheAnswersAreNamed() =>
        Assert.Contains("1 places cannot take the answers to 2", Assert.Throws<ArgumentException>(() => _port.TranslateBatch(new ulong[2], new nuint[1], Permission.Read, out _)).Message, StringComparison.Ordinal);

    [Fact]
    public void ABatchOfMixedAccessesNeedsAPermissionForEach()
    {
        Assert.Contains("1 permissions do not tell what 2 addresses are for", Assert.Throws<ArgumentException>(() => _port.TranslateBatch(new ulong[2], new nuint[2], new Permission[1], out _)).Message, StringComparison.Ordinal);
        Assert.Contains("1 places cannot take the answers to 2", Assert.Throws<ArgumentException>(() => _port.TranslateBatch(new ulong[2], new nuint[1], new Permission[2], out _)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ReaderKind.Batch)]
    [InlineData(ReaderKind.SingleShot)]
    public void NothingThatADeviceOrADriverDoesAllTheTimeAllocates(ReaderKind kind)
    {
        using DmaPort port = _iommu.OpenPort(new DmaPortOptions { Kind = kind });
        port.Attach(_domain);
        Map(0x10_0000, 0, 0x4000, Permission.ReadWrite);
        ulong[] iovas = [.. Enumerable.Range(0, 300).Select(i => 0x10_0000 + ((ulong)i * 8))];
        nuint[] hosts = new nuint[300];
        ulong[] scattered = [.. Enumerable.Range(0, 100).Select(i => 0x100_0000 + ((ulong)i << 14))];
        ulong[] pages = [.. Enumerable.Range(0, 100).Select(i => _memory.Address + ((ulong)i << 12))];
        var segments = new HostSegment[4];
        byte[] buffer = new byte[5000];
        Work();
        Work();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
        {
            Work();
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Work()
        {
            bool good = port.TryTranslate(0x10_0008, Permission.Read, out _)
                & port.TranslateBatch(iovas, hosts, Permission.Write, out _, iovas)
                & port.Read(0x10_0008, buffer, out _)
                & port.Write(0x10_0008, buffer, out _)
                & port.FetchAdd(0x10_0008, 1UL, out _, out _)
                & port.CompareExchange(0x10_0008, 1u, 2u, out _, out _)
                & port.TranslateRange(0x10_0008, 9000, Permission.Read, segments, out _, out _) == 9000
                & !port.TryTranslate(0x50_0000, Permission.Read, out _)
                & !port.Read(0x10_3FFF, buffer, out _)
                & _domain.TryMap(0x200_0000, _memory, 0x1000, 0x3000, Permission.Read) == MapStatus.Success
                & _domain.TryMap(0x200_8000, _memory.Address, 0x1000, Permission.Read) == MapStatus.Success
                & _domain.TryMap(0x200_8000, _memory, 0, 0x1000, Permission.Read) == MapStatus.Overlap
                & _domain.TryUnmap(0x200_0000, 0x1_0000, out _) == MapStatus.Success
                & _domain.TryMapScattered(scattered, _memory, pages, Permission.Read) == MapStatus.Success
                & _domain.TryUnmap(0x100_0000, 0x100_0000, out _) == MapStatus.Success;
            Assert.True(good);
        }
    }

    private void Map(ulong iova, ulong offset, ulong length, Permission permission) =>
        Assert.Equal(MapStatus.Success, _domain.TryMap(iova, _memory, offset, length, permission));
}
