namespace FastIova;

/// <summary>What the ports and domains of an <see cref="Iommu"/> have done since it was made: a reading of its counters.</summary>
/// <remarks>
/// Counters only grow; ports and domains that are closed stay counted. Reading disturbs nobody: a port counts on a line of its own,
/// once for a batch. Single look-ups that hit are not counted, because counting would cost a sixth of what they take.
/// Threads: immutable.
/// </remarks>
public sealed class IommuCounts
{
    /// <summary>The buckets of <see cref="GracePeriods"/>.</summary>
    public const int GraceBuckets = GraceCounts.Limits + 1;

    private readonly EpochCounts _counts;

    internal IommuCounts(EpochCounts counts) => _counts = counts;

    /// <summary>Ports that are open.</summary>
    public int Ports => _counts.Readers;

    /// <summary>Domains that live.</summary>
    public int Domains => _counts.Domains;

    /// <summary>Look-ups of batches and rings.</summary>
    public ulong Lookups => _counts.Tally.Lookups;

    /// <summary>Those of <see cref="Lookups"/> that the page table answered because the translation cache did not, or was not asked.</summary>
    public ulong Walks => _counts.Tally.Walks;

    /// <summary>Single look-ups that the page table answered.</summary>
    public ulong SingleWalks => _counts.Tally.SingleWalks;

    /// <summary>Which part of <see cref="Lookups"/> the translation cache answered, 0 to 1; 0 before the first one.</summary>
    public double HitRatio => Lookups == 0 ? 0 : Math.Max(0, 1 - ((double)Walks / Lookups));

    /// <summary>Requests of rings that were answered; they are among <see cref="Lookups"/>.</summary>
    public ulong Requests => _counts.Tally.Requests;

    /// <summary>Reads, writes and atomic operations of ports.</summary>
    public ulong Accesses => _counts.Tally.Accesses;

    /// <summary>The bytes that <see cref="Accesses"/> were to move.</summary>
    public ulong AccessBytes => _counts.Tally.AccessBytes;

    /// <summary>Ranges that were mapped, each domain by itself.</summary>
    public ulong Maps => _counts.Maps;

    /// <summary>Ranges that were unmapped, each domain by itself.</summary>
    public ulong Unmaps => _counts.Unmaps;

    /// <summary>Bytes that are mapped now, in all domains.</summary>
    public ulong MappedBytes => _counts.MappedBytes;

    /// <summary>Bytes of page tables, of all domains.</summary>
    public ulong TableBytes => _counts.TableBytes;

    /// <summary>Grace periods: every unmap waits for one.</summary>
    public long GracePeriods => _counts.Grace.Count;

    /// <summary>How long they lasted together. Those that waited for nobody, or for less than about half a microsecond, count as no time.</summary>
    public TimeSpan GraceTime => TimeSpan.FromTicks(_counts.Grace.Nanoseconds / TimeSpan.NanosecondsPerTick);

    /// <summary>Accesses that failed, by the name of their port; those of more than 1,024 names are counted under the name "other".</summary>
    public IReadOnlyDictionary<string, ulong> FaultsByPort => _counts.RefusedByName;

    internal GraceCounts Grace => _counts.Grace;

    /// <summary>Accesses that failed for a reason: one for each call, however long its batch, and one for each request of a ring.</summary>
    /// <param name="reason">The reason.</param>
    /// <returns>The number.</returns>
    public ulong Faults(FaultReason reason) => _counts.Tally.FaultsOf(reason);

    /// <summary>Grace periods that lasted longer than the limit before and at most the bucket's own.</summary>
    /// <param name="bucket">0 to <see cref="GraceBuckets"/> - 1; the limits are 1 µs, 4 µs, 16 µs and so on, the last bucket has none.</param>
    /// <returns>The number.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such bucket.</exception>
    public long GracePeriodsIn(int bucket)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bucket);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(bucket, GraceBuckets);
        return _counts.Grace[bucket];
    }
}
