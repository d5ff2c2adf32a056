using System.Diagnostics.CodeAnalysis;

namespace FastIova;

/// <summary>Goes through the live areas that cover a span without a gap, up to the first gap.</summary>
/// <remarks>Threads: under the lock of the ioas.</remarks>
internal struct AreaWalk
{
    private readonly IntervalTree<Area> _areas;
    private readonly ulong _last;
    private bool _ended;

    internal AreaWalk(IntervalTree<Area> areas, IovaSpan span)
    {
        _areas = areas;
        _last = span.Last;
        At = span.First;
    }

    /// <summary>The first iova that was not handed out.</summary>
    internal ulong At { get; private set; }

    /// <summary>Whether the areas that were handed out cover the whole span.</summary>
    internal bool IsComplete { get; private set; }

    /// <summary>The next area and the part of it that lies in the span.</summary>
    internal bool TryNext([NotNullWhen(true)] out Area? area, out IovaSpan part)
    {
        area = _ended || IsComplete ? null : _areas.FirstIn(At, At);
        part = default;
        if (area is not { IsLive: true })
        {
            area = null;
            _ended = true;
            return false;
        }

        part = new IovaSpan(At, Math.Min(_last, area.Last));
        IsComplete = part.Last == _last;
        At = IsComplete ? At : part.Last + 1;
        return true;
    }
}
