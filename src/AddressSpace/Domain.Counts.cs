namespace FastIova;

/// <content>What its writers have done, counted under their lock.</content>
public sealed partial class Domain
{
    /// <inheritdoc/>
    void IEpochHolder.AddTo(EpochCounts counts)
    {
        if (Volatile.Read(ref _isReady))
        {
            counts.Maps += _table.MapsEver;
            counts.Unmaps += _table.UnmapsEver;
            counts.MappedBytes += _table.MappedBytes;
            counts.TableBytes += _table.BytesTouched;
        }
    }

    private void Count(MapStatus status, int ranges)
    {
        if (status == MapStatus.Success)
        {
            _table.MapsEver += (ulong)ranges;
        }
    }
}
