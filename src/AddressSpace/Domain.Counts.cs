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

    private void Count(MapStatus status, IovaSpan span, Permission permission)
    {
        if (status == MapStatus.Success)
        {
            _table.MapsEver++;
            _epoch.Recorder?.Map(_table.SpaceId, span, permission);
        }
    }

    private void Count(MapStatus status, ReadOnlySpan<MapRange> ranges)
    {
        foreach (ref readonly MapRange range in _epoch.Recorder is null ? default : ranges)
        {
            if (status == MapStatus.Success)
            {
                _epoch.Recorder!.Map(_table.SpaceId, IovaSpan.Of(range.Iova, range.Length), range.Permission);
            }
        }

        _table.MapsEver += status == MapStatus.Success ? (ulong)ranges.Length : 0;
    }

    private void Count(MapStatus status, ReadOnlySpan<ulong> iovas, Permission permission)
    {
        foreach (ulong iova in _epoch.Recorder is null || status != MapStatus.Success ? default : iovas)
        {
            _epoch.Recorder!.Map(_table.SpaceId, IovaSpan.Of(iova, _table.Granule), permission);
        }

        _table.MapsEver += status == MapStatus.Success ? (ulong)iovas.Length : 0;
    }
}
