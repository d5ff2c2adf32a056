namespace FastIova;

/// <summary>
/// An I/O address space: which iovas stand for which memory, whether or not any device looks. What is mapped here is mapped
/// in each of its domains.
/// </summary>
/// <remarks>
/// <para>Owns: its areas, and through them the pins of their pages.</para>
/// <para>Invariants. I1: areas do not overlap, and none has a reserved iova. I2: every live area is mapped whole in every
/// domain, and nothing else of it is. I3: while a thread is underway (it builds areas or takes some away, outside the lock)
/// no domain, access or option is added or removed. I4: pins are given back only after a grace period of every domain that
/// had them mapped. I5: what is refused has changed nothing.</para>
/// <para>Threads: any. The lock is held for long only while domains and accesses change, while an access pins or copies, and
/// while dirty pages are read. The callback of an access is called without it. Never from inside a scope of an own port.</para>
/// <para>Teardown: <see cref="Dispose"/> never fails, when no domain and no access is left.</para>
/// </remarks>
internal sealed partial class Ioas : IRevocationUser, IDisposable
{
    /// <summary>An iova is never chosen below or above: zero and the last page look like mistakes in a driver.</summary>
    private const ulong Edge = Frame.PageBytes;

    private const int AreasCountedAtOnce = 1024;

    // Replaced whole, by a thread that is alone.
    private Domain[] _domains = [];
    private IoasAccess[] _accesses = [];
    private readonly PatientLock _lock = new(LockRank.Ioas);
    private readonly IntervalTree<Area> _areas = new();
    private readonly List<Reservation> _reservations = [];
    private SpanSet _reserved = SpanSet.Empty;
    private SpanSet _allowed = SpanSet.Empty;
    private ulong _alignment = 1;
    private bool _noLargePages;
    private Spares _spares = new();

    /// <summary>What its areas count against; null for nothing.</summary>
    internal Quota? Mappings { get; init; }

    /// <summary>The alignment of iovas, lengths and offsets in pages: what the strictest domain or access needs.</summary>
    internal ulong Alignment => Volatile.Read(ref _alignment);

    /// <summary>The areas, also those that are being built or taken away.</summary>
    internal int AreaCount
    {
        get
        {
            _lock.Enter();
            int count = _areas.Count;
            _lock.Exit();
            return count;
        }
    }

    /// <summary>Pages that are pinned through this ioas or another that shares them.</summary>
    internal ulong PinnedPages
    {
        get
        {
            // Some at a time: a question must not hold up those who map.
            var pages = new HashSet<Pages>();
            ulong? next = 0;
            while (next is { } first)
            {
                _lock.Enter();
                Area? area = _areas.FirstIn(first, ulong.MaxValue);
                for (int i = 0; i < AreasCountedAtOnce && area is not null; i++)
                {
                    pages.Add(area.Pages);
                    area = _areas.After(area.Last);
                }

                next = area?.First;
                _lock.Exit();
            }

            return pages.Aggregate(0UL, (sum, one) => sum + (ulong)one.Pinned);
        }
    }

    /// <summary>The span of the live area at an iova; null when there is none.</summary>
    internal IovaSpan? AreaSpanAt(ulong iova)
    {
        _lock.Enter();
        IovaSpan? span = _areas.FirstIn(iova, iova) is { IsLive: true } area ? area.Span : null;
        _lock.Exit();
        return span;
    }

    /// <summary>Where an iova lies in the memory that a domain maps.</summary>
    /// <param name="domain">A domain of this ioas that maps physical addresses; null when none does.</param>
    /// <param name="iova">The iova.</param>
    /// <param name="most">The most bytes that are asked about, at least one.</param>
    /// <param name="address">The address behind the iova.</param>
    /// <param name="length">How many bytes lie side by side there, of one area.</param>
    internal IoasStatus TryPhysicalAt(Domain? domain, ulong iova, ulong most, out ulong address, out ulong length)
    {
        address = 0;
        length = most;
        _lock.Enter();
        Area? area = _areas.FirstIn(iova, iova) is { IsLive: true } found ? found : null;
        Frame frame = default;
        ulong offset = 0;
        IoasStatus status = area is null ? IoasStatus.NotFound
            : area.Pages.IsRevoked ? IoasStatus.Invalid
            : domain is null ? IoasStatus.NotSupported
            : domain.TryFrameAt(iova, out frame, out offset, out _) ? IoasStatus.Success
            : IoasStatus.NotFound;
        if (status == IoasStatus.Success)
        {
            PhysicalMemory.TryAddressOf(frame, out address);
            address += offset;
            ulong end = Math.Min(most, area!.Last - iova + 1);
            ulong same = Frame.PageBytes - offset;
            while (same < end && domain!.TryFrameAt(iova + same, out Frame next, out _, out _) && PhysicalMemory.TryAddressOf(next, out ulong follows) && follows == address + same)
            {
                same += Frame.PageBytes;
            }

            length = Math.Min(same, end);
        }

        _lock.Exit();
        return status;
    }

    /// <summary>The spans of the live areas, ascending.</summary>
    internal IReadOnlyList<IovaSpan> AreaSpans()
    {
        var spans = new List<IovaSpan>();
        _lock.Enter();
        for (Area? area = _areas.FirstOfAll(); area is not null; area = _areas.After(area.Last))
        {
            if (area.IsLive)
            {
                spans.Add(area.Span);
            }
        }

        _lock.Exit();
        return spans;
    }

    /// <summary>Takes every mapping away; the domains and accesses must be gone. Never fails.</summary>
    public void Dispose()
    {
        // An access that still holds pins would have to be asked; there is none any more.
        _ = UnmapAll(out _);
        _lock.Enter();
        _spares.Discard();
        _spares = new Spares();
        _lock.Exit();
    }

    private static IoasStatus StatusOf(PinStatus status) => status switch
    {
        PinStatus.Success => IoasStatus.Success,
        PinStatus.OutOfMemory => IoasStatus.OutOfMemory,
        PinStatus.Invalid => IoasStatus.Invalid,
        PinStatus.NoSpace => IoasStatus.NoSpace,
        _ => IoasStatus.BadAddress,
    };
}
