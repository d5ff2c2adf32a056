namespace FastIova;

/// <content>What its readers and writers have counted.</content>
internal sealed unsafe partial class Epoch
{
    // Of readers and writers that are gone; under the lock.
    private readonly EpochCounts _gone = new();
    private readonly GraceCounts _waits = new();

    /// <summary>Is told what happens; null unless the IOMMU is recorded.</summary>
    internal IDmaRecorder? Recorder { get; init; }

    /// <summary>What readers and writers have done so far. Counters only grow from one call to the next.</summary>
    /// <remarks>Threads: any; readers do not notice.</remarks>
    internal EpochCounts ReadCounts()
    {
        lock (_lock)
        {
            return _isFree ? new EpochCounts() : Count();
        }
    }

    private EpochCounts Count()
    {
        // SAFETY: the memory is not given back without the lock, and the index is below the slots that were used.
        var counts = new EpochCounts();
        counts.Add(_gone);
        for (int i = 0; i < _slotsUsed; i++)
        {
            if (_names[i] is { } name)
            {
                counts.Add(name, _slots[i].Tally);
            }
        }

        foreach (IEpochHolder holder in _holders)
        {
            holder.AddTo(counts);
        }

        // Those that waited are read first: a period counts as one that was not timed until its wait is over, never twice.
        counts.Grace.Add(_waits);
        counts.Grace.WaitedBriefly(Math.Max(0, Volatile.Read(ref *_gracePeriods) - counts.Grace.Count));
        counts.Readers = _open;
        counts.Domains = _holders.Count;
        return counts;
    }

    // What it holds, it holds no longer; what it has done stays done. Under the lock.
    private void AddLast(IEpochHolder holder)
    {
        var last = new EpochCounts();
        holder.AddTo(last);
        last.MappedBytes = 0;
        last.TableBytes = 0;
        _gone.Add(last);
    }
}
