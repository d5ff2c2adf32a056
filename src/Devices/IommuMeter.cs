using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace FastIova;

/// <summary>The meter "FastIova" of this process: every instrument reads counters that are kept anyway, when somebody asks.</summary>
/// <remarks>
/// <para>Invariants. M1: nothing is recorded, only observed: without a listener the instruments cost nothing. M2: the instruments of one
/// collection read the same counters, unless it lasts longer than <see cref="ReadingLasts"/>.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal static class IommuMeter
{
    /// <summary>What collectors ask for.</summary>
    internal const string Name = "FastIova";

    /// <summary>What the buckets of a histogram are called behind its name; <c>.sum</c> and <c>.count</c> are the other two.</summary>
    internal const string BucketSuffix = ".bucket";

    /// <summary>The tag of a bucket: its limit.</summary>
    internal const string LimitTag = "le";

    private static readonly TimeSpan ReadingLasts = TimeSpan.FromMilliseconds(20);
    private static readonly Lock Gate = new();
    private static EpochCounts _reading = new();
    private static long _readAt;

    static IommuMeter()
    {
        Count("fastiova.lookups", "{lookup}", "Look-ups of batches and rings.", counts => counts.Tally.Lookups);
        Count("fastiova.walks", "{lookup}", "Look-ups of batches and rings that the page table answered, not the translation cache.", counts => counts.Tally.Walks);
        Count("fastiova.single_walks", "{lookup}", "Single look-ups that the page table answered; single look-ups that hit are not counted.", counts => counts.Tally.SingleWalks);
        Count("fastiova.requests", "{request}", "Requests of rings that were answered.", counts => counts.Tally.Requests);
        Count("fastiova.accesses", "{access}", "Reads, writes and atomic operations of devices.", counts => counts.Tally.Accesses);
        Count("fastiova.accessed", "By", "What they were to move.", counts => counts.Tally.AccessBytes);
        Count("fastiova.maps", "{range}", "Ranges that were mapped, each domain by itself.", counts => counts.Maps);
        Count("fastiova.unmaps", "{range}", "Ranges that were unmapped, each domain by itself.", counts => counts.Unmaps);
        Instance.CreateObservableGauge("fastiova.hit", static () => HitRatio(Read().Tally), "1", "The part of the look-ups of batches and rings that the translation cache answered.");
        Gauge("fastiova.ports", "{port}", "Ports that are open.", counts => counts.Readers);
        Gauge("fastiova.domains", "{domain}", "Domains that live.", counts => counts.Domains);
        Gauge("fastiova.mapped", "By", "What is mapped, in all domains.", counts => (long)counts.MappedBytes);
        Gauge("fastiova.table", "By", "Page tables.", counts => (long)counts.TableBytes);
        Instance.CreateObservableCounter("fastiova.faults", Faults, "{access}", "Accesses that failed, by reason: one for each call, and one for each request of a ring.");
        Instance.CreateObservableCounter("fastiova.dma_refused", Refused, "{access}", "Accesses that failed, by device: the name of its port.");
        Instance.CreateObservableCounter("fastiova.grace_period" + BucketSuffix, Buckets, "s", "How long unmaps waited for readers; waiting for nobody, or for less than about half a microsecond, is no time.");
        Instance.CreateObservableCounter("fastiova.grace_period.sum", static () => Read().Grace.Nanoseconds / 1e9, "s", "How long unmaps waited for readers, together.");
        Instance.CreateObservableCounter("fastiova.grace_period.count", static () => Read().Grace.Count, "s", "How often unmaps made sure that nobody uses what is gone.");
        Instance.CreateObservableGauge("fastiova.ring.depth", Depths, "{request}", "Requests that wait in rings, by the port that serves them.");
    }

    /// <summary>The meter, for instruments of what lies above.</summary>
    internal static Meter Instance { get; } = new(Name, typeof(IommuMeter).Assembly.GetName().Version?.ToString(3));

    /// <summary>Makes the instruments; the second call does nothing.</summary>
    internal static void Start() => _ = Instance;

    /// <summary>Reads the counters of the process.</summary>
    internal static EpochCounts Read()
    {
        lock (Gate)
        {
            long now = Stopwatch.GetTimestamp();
            if (_readAt == 0 || Stopwatch.GetElapsedTime(_readAt, now) > ReadingLasts)
            {
                _reading = EpochCensus.Read();
                _readAt = now;
            }

            return _reading;
        }
    }

    /// <summary>The part of the look-ups that the translation cache answered; zero before the first one.</summary>
    internal static double HitRatio(in ReaderTally tally) => tally.Lookups == 0 ? 0 : Math.Max(0, 1 - ((double)tally.Walks / tally.Lookups));

    private static void Count(string name, string unit, string description, Func<EpochCounts, ulong> value) =>
        Instance.CreateObservableCounter(name, () => (long)value(Read()), unit, description);

    private static void Gauge(string name, string unit, string description, Func<EpochCounts, long> value) =>
        Instance.CreateObservableGauge(name, () => value(Read()), unit, description);

    private static IEnumerable<Measurement<long>> Faults()
    {
        ReaderTally tally = Read().Tally;
        return [.. Enum.GetValues<FaultReason>()
            .Where(reason => reason != FaultReason.None)
            .Select(reason => new Measurement<long>((long)tally.FaultsOf(reason), Tag("reason", $"{reason}")))];
    }

    private static IEnumerable<Measurement<long>> Refused() =>
        [.. Read().RefusedByName.Select(each => new Measurement<long>((long)each.Value, Tag("device", each.Key)))];

    private static IEnumerable<Measurement<long>> Buckets()
    {
        GraceCounts grace = Read().Grace;
        var buckets = new Measurement<long>[GraceCounts.Limits + 1];
        long sum = 0;
        for (int i = 0; i < buckets.Length; i++)
        {
            sum += grace[i];
            string limit = i == GraceCounts.Limits ? "+Inf" : (GraceCounts.LimitOf(i) / 1e9).ToString(CultureInfo.InvariantCulture);
            buckets[i] = new Measurement<long>(sum, Tag(LimitTag, limit));
        }

        return buckets;
    }

    private static IEnumerable<Measurement<long>> Depths() =>
        [.. QueueCensus.Read()
            .GroupBy(queue => queue.Port.Options.Name, StringComparer.Ordinal)
            .Select(port => new Measurement<long>(port.Sum(queue => (long)queue.Waiting), Tag("port", port.Key)))];

    private static KeyValuePair<string, object?> Tag(string key, string value) => new(key, value);
}
