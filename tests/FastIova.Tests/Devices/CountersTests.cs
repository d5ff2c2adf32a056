using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Xunit;

namespace FastIova.Tests.Devices;

/// <summary>What ports and domains count, exactly where one IOMMU is asked, and as the process tells it.</summary>
public sealed class CountersTests : IDisposable
{
    private const ulong Iova = 0x10_0000;
    private const ulong Bytes = 1 << 20;

    private readonly Iommu _iommu = new();
    private readonly HostMemory _memory = HostMemory.Allocate(Bytes);
    private readonly Domain _domain;
    private readonly DmaPort _port;

    public CountersTests()
    {
        _domain = _iommu.CreateDomain();
        _port = _iommu.OpenPort(new DmaPortOptions { Name = $"counted-{Guid.NewGuid():n}" });
        _port.Attach(_domain);
        _domain.Map(Iova, _memory.Address, Bytes, Permission.Read);
    }

    public void Dispose()
    {
        _port.Dispose();
        _domain.Dispose();
        _memory.Dispose();
        _iommu.Dispose();
    }

    [Theory]
    [InlineData(IsaWidth.Scalar)]
    [InlineData(IsaWidth.Bits128)]
    [InlineData(IsaWidth.Bits256)]
    [InlineData(IsaWidth.Bits512)]
    public void BatchesCountEveryLookupAndTheWalksAmongThem(IsaWidth isa)
    {
        using DmaPort port = _iommu.OpenPort(new DmaPortOptions { Isa = IsaChoice.IsSupported(isa) ? isa : null });
        port.Attach(_domain);
        ulong[] iovas = [.. Enumerable.Range(0, 64).Select(i => Iova + ((ulong)(i & 7) * 4096))];
        nuint[] hosts = new nuint[64];
        for (int round = 0; round < 10; round++)
        {
            Assert.True(port.TranslateBatch(iovas, hosts, Permission.Read, out _));
        }

        IommuCounts counts = _iommu.ReadCounts();
        Assert.Equal(640UL, counts.Lookups);
        Assert.InRange(counts.Walks, 1UL, 64UL); // the first batch misses, and no later one does
        Assert.Equal(1 - (counts.Walks / 640.0), counts.HitRatio, 9);
        port.Dispose();
        Assert.Equal(640UL, _iommu.ReadCounts().Lookups); // what a port has done stays done
    }

    [Fact]
    public void ABatchThatBypassesTheCacheWalksForEach()
    {
        // Pages all over a large domain: after some batches the port asks the table at once.
        using HostMemory memory = HostMemory.Allocate(256UL << 20);
        _domain.Map(1UL << 40, memory.Address, 256UL << 20, Permission.ReadWrite);
        var random = new Random(1);
        ulong[] iovas = [.. Enumerable.Range(0, 4096).Select(_ => (1UL << 40) + ((ulong)random.Next(1 << 16) << 12))];
        nuint[] hosts = new nuint[4096];
        Assert.True(_port.TranslateBatch(iovas, hosts, Permission.Read, out _));
        Assert.True(_port.TranslateBatch(iovas, hosts, Permission.Read, out _));
        IommuCounts counts = _iommu.ReadCounts();
        Assert.Equal(8192UL, counts.Lookups);
        Assert.InRange(counts.Walks, 1UL, 8192UL);
    }

    [Fact]
    public void FaultsCountByReasonAndByPortOnceForACall()
    {
        Assert.False(_port.TranslateBatch([Iova, 0, 0], new nuint[3], Permission.Read, out _));
        Assert.False(_port.TryTranslate(0, Permission.Read, out _));
        Assert.False(_port.Write(Iova, [1], out _));
        Assert.False(_port.FetchAdd(Iova + 1, 1u, out _, out _));
        Assert.False(_port.Read(ulong.MaxValue, new byte[2], out _));
        using (DmaScope scope = _port.Enter())
        {
            Assert.False(scope.TryTranslate(Iova, Permission.Write, out _));
        }

        _port.Detach();
        Assert.False(_port.TryTranslate(Iova, Permission.Read, out _));
        IommuCounts counts = _iommu.ReadCounts();
        Assert.Equal(2UL, counts.Faults(FaultReason.NotMapped));
        Assert.Equal(2UL, counts.Faults(FaultReason.PermissionDenied));
        Assert.Equal(1UL, counts.Faults(FaultReason.Misaligned));
        Assert.Equal(1UL, counts.Faults(FaultReason.Wraps));
        Assert.Equal(1UL, counts.Faults(FaultReason.NotAttached));
        Assert.Equal(7UL, counts.FaultsByPort[_port.Options.Name]);
    }

    [Fact]
    public void TransfersRequestsOfRingsMapsAndGracePeriodsCount()
    {
        Assert.True(_port.Read(Iova, new byte[100], out _));
        using TranslationRing ring = TranslationRing.Create();
        using (DmaQueue queue = _port.Serve(ring))
        using (RingProducer producer = ring.AttachProducer())
        {
            Assert.True(producer.TryPublish([Iova, Iova + 4096, 0], Permission.Read));
            Assert.Equal(3, queue.Waiting);
            Assert.Equal(3, queue.Process());
            Assert.Equal(0, queue.Waiting);
        }

        _domain.Unmap(Iova, Bytes);
        _domain.Map(Iova, _memory.Address, 4096, Permission.Read);
        IommuCounts counts = _iommu.ReadCounts();
        Assert.Equal((1UL, 100UL), (counts.Accesses, counts.AccessBytes));
        Assert.Equal((3UL, 3UL), (counts.Requests, counts.Lookups));
        Assert.Equal((2UL, 1UL, 4096UL), (counts.Maps, counts.Unmaps, counts.MappedBytes));
        Assert.Equal((1, 1), (counts.Ports, counts.Domains));
        Assert.True(counts.GracePeriods >= 1);
        Assert.Equal(counts.GracePeriods, Enumerable.Range(0, IommuCounts.GraceBuckets).Sum(counts.GracePeriodsIn));
        Assert.Throws<ArgumentOutOfRangeException>(() => counts.GracePeriodsIn(IommuCounts.GraceBuckets));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1000, 0)]
    [InlineData(1001, 1)]
    [InlineData(4000, 1)]
    [InlineData(4001, 2)]
    [InlineData(1_048_576_000, 10)]
    [InlineData(1_048_576_001, 11)]
    [InlineData(long.MaxValue, 11)]
    public void AWaitFallsIntoTheBucketOfTheFirstLimitThatItDoesNotPass(long nanoseconds, int bucket)
    {
        Assert.Equal(bucket, GraceCounts.BucketOf(nanoseconds));
        Assert.True(bucket == GraceCounts.Limits || nanoseconds <= GraceCounts.LimitOf(bucket));
        Assert.True(bucket == 0 || nanoseconds > GraceCounts.LimitOf(bucket - 1));
    }

    [Fact]
    public void AnUnmapThatWaitsIsTimed()
    {
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        var reader = new Thread(() =>
        {
            using DmaScope scope = _port.Enter();
            entered.Set();
            leave.Wait();
        });
        reader.Start();
        entered.Wait(TestContext.Current.CancellationToken);
        var unmapper = new Thread(() => _domain.Unmap(Iova, Bytes));
        unmapper.Start();
        SpinWait.SpinUntil(() => _iommu.ReadCounts().Unmaps == 1);
        leave.Set();
        unmapper.Join();
        reader.Join();
        Assert.True(_iommu.ReadCounts().GraceTime >= TimeSpan.Zero);
        Assert.True(_iommu.ReadCounts().GracePeriods >= 1);
    }

    [Fact]
    public void TheMeterOfTheProcessTellsThemAndKeepsWhatIsGone()
    {
        var seen = new Dictionary<string, double>(StringComparer.Ordinal);
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) => { if (instrument.Meter.Name is "FastIova") { self.EnableMeasurementEvents(instrument); } } };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => seen[Key(instrument, tags)] = value);
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => seen[Key(instrument, tags)] = value);
        listener.Start();
        Assert.False(_port.TryTranslate(0, Permission.Read, out _));
        _port.Dispose();
        _domain.Dispose();
        _iommu.Dispose();
        SpinWait.SpinUntil(() =>
        {
            listener.RecordObservableInstruments(); // a reading may be some milliseconds old
            return seen.ContainsKey($"fastiova.dma_refused/{_port.Options.Name}");
        });
        Assert.Equal(1, seen[$"fastiova.dma_refused/{_port.Options.Name}"]);
        Assert.True(seen["fastiova.faults/NotMapped"] >= 1);
        Assert.True(seen["fastiova.maps"] >= 1);
        Assert.True(seen["fastiova.grace_period.bucket/+Inf"] <= seen["fastiova.grace_period.count"]);
        Assert.InRange(seen["fastiova.hit"], 0, 1);
        Assert.Contains("fastiova.contexts", Instruments(), StringComparer.Ordinal);

        static string Key(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            tags.IsEmpty ? instrument.Name : $"{instrument.Name}/{tags[0].Value}";

        string[] Instruments()
        {
            using var engine = new Engine();
            listener.RecordObservableInstruments();
            return [.. seen.Keys];
        }
    }

    [Fact]
    public void TheEventSourceTellsOfFaultsAndPollsCounters()
    {
        using var listener = new Listener();
        Assert.False(_port.Read(0, new byte[1], out _));
        Assert.True(SpinWait.SpinUntil(() => listener.Faults.Contains($"NotMapped {_port.Options.Name}", StringComparer.Ordinal), TimeSpan.FromMinutes(1)));
    }

    private sealed class Listener : EventListener
    {
        internal System.Collections.Concurrent.ConcurrentBag<string> Faults { get; } = [];

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name is "FastIova")
            {
                EnableEvents(eventSource, EventLevel.Verbose);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName is "Fault")
            {
                Faults.Add($"{eventData.Payload![0]} {eventData.Payload[2]}");
            }
        }
    }
}
