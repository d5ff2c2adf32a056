using System.Diagnostics;

namespace FastIova;

/// <summary>A piece of somebody's memory, page by page: pinned while an area in a domain or an access needs it. Copies of an area share it.</summary>
/// <remarks>
/// <para>Owns: the pins of its pages, and what is charged for them.</para>
/// <para>Invariants. G1: a page is pinned exactly once while it has users, however many, and not at all without. G2: ranges of
/// pinned pages are disjoint; a request begins and ends at the ends of ranges, and ranges are never joined while they have
/// users, so that ending a request splits none and never fails. G3: outside the lock as many pages are charged as are pinned.
/// G4: the object is in the ledger from its making until it is discarded. G5: when the last reference goes, nothing is pinned.
/// G6: the pages of a device have fixed frames, are never pinned, and are charged to nobody.</para>
/// <para>Threads: any; what begins with "the caller holds the lock" between <see cref="Enter"/> and <see cref="Exit"/>. The
/// number of references may change at any time, but only a holder of one makes more.</para>
/// </remarks>
internal sealed partial class Pages
{
    private readonly PinnedRange _spare = new();
    private PinOwner _owner = null!;
    private PageSource? _source;
    private PinnedRange? _only;
    private IntervalTree<PinnedRange>? _ranges;
    private TurnLock _lock;
    private int _references;
    private long _pinned;
    private long _charged;

    // Where pages are pinned from once none is pinned any more; null while that is where they are.
    private PageSource? _nextSource;
    private ulong _nextAddress;

    private Pages() => PinLedger.Enter(this);

    /// <summary>Who pays for the pins, and whose memory it is if it is some process's.</summary>
    internal PinOwner Owner => _owner;

    /// <summary>Where the frames come from.</summary>
    internal PageSource Source => _source!;

    /// <summary>What they are pages of.</summary>
    internal PagesKind Kind => _source!.Kind;

    /// <summary>Whether they are memory of a device that was taken away.</summary>
    internal bool IsRevoked => Kind == PagesKind.Device && _source!.IsRevoked;

    /// <summary>Where the first page begins: an address in the process, or an offset in the file or in the memory of the device.</summary>
    internal ulong UserAddress { get; private set; }

    /// <summary>The next of the pages that were dropped by an ioas.</summary>
    internal Pages? NextDropped { get; set; }

    /// <summary>Whether its pages are pinned for writing.</summary>
    internal bool IsWritable { get; private set; }

    /// <summary>Pages that are pinned now.</summary>
    internal long Pinned => Volatile.Read(ref _pinned);

    /// <summary>The pages behind a piece of a process's memory; nothing of it is touched.</summary>
    /// <param name="owner">Whose memory.</param>
    /// <param name="userAddress">The first byte.</param>
    /// <param name="writable">Whether the pages will be pinned for writing.</param>
    /// <param name="used">An object that had its last reference, to be used again; null to make one.</param>
    /// <returns>The pages, with one reference.</returns>
    internal static Pages OfUser(PinOwner owner, ulong userAddress, bool writable, Pages? used = null) => Of(owner, owner.Source, userAddress, writable, used);

    /// <summary>The pages behind a piece of a source; nothing of it is touched.</summary>
    /// <param name="owner">Who pays.</param>
    /// <param name="source">The source; the pages take over a reference to it.</param>
    /// <param name="start">The first byte in it.</param>
    /// <param name="writable">Whether the pages will be pinned for writing.</param>
    /// <param name="used">As in <see cref="OfUser"/>.</param>
    /// <returns>The pages, with one reference.</returns>
    internal static Pages Of(PinOwner owner, PageSource source, ulong start, bool writable, Pages? used = null)
    {
        Pages pages = used ?? new Pages();
        ulong offset = start & (Frame.PageBytes - 1);
        pages._owner = owner;
        pages._source = source;
        pages._references = 1;
        pages._nextSource = null;
        pages.UserAddress = start - offset;
        pages.IsWritable = writable;
        return pages;
    }

    /// <summary>Takes the lock.</summary>
    internal void Enter() => _lock.Enter(LockRank.Pages);

    /// <summary>Gives the lock back.</summary>
    internal void Exit() => _lock.Exit(LockRank.Pages);

    /// <summary>Makes another reference.</summary>
    internal Pages Share()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    /// <summary>Ends a reference. Never fails.</summary>
    /// <returns>Whether it was the last: the caller uses the object again if it is of a process's memory, or discards it.</returns>
    internal bool TryEnd()
    {
        // The only holder need not ask atomically: nobody else can make another reference. Acquire: pairs with the decrement of
        // the holder before; otherwise what it did last could come after the reuse.
        if (Volatile.Read(ref _references) != 1 && Interlocked.Decrement(ref _references) != 0)
        {
            return false;
        }

        Debug.Assert(_pinned == 0 && _charged == 0, "Nothing is pinned when the last reference goes (G5).");
        _owner = null!;
        if (Kind == PagesKind.Memory)
        {
            _source = null;
        }

        return true;
    }

    /// <summary>Ends a reference, and with the last one the object.</summary>
    internal void Put()
    {
        if (TryEnd())
        {
            Discard();
        }
    }

    /// <summary>Gives an object up that had its last reference. Files are closed by it, which takes time.</summary>
    internal void Discard()
    {
        PinLedger.Leave(this);
        _source?.Put();
    }

    /// <summary>The neighbouring frames from a page on. The caller holds the lock, and the pages are held.</summary>
    /// <param name="page">The index of the first page.</param>
    /// <param name="last">The last page of interest.</param>
    internal FrameRun RunAt(ulong page, ulong last)
    {
        if (Kind == PagesKind.Device)
        {
            _source!.TryPinRun(UserAddress + (page << Frame.PageLg2), page, last - page + 1, IsWritable, out FrameRun run);
            return run;
        }

        PinnedRange range = FirstIn(page, page)!;
        Frame first = range.FrameOf(page);
        ulong end = Math.Min(range.Last, last);
        while (end < last && FirstIn(end + 1, end + 1) is { } next && next.Start == first.Next(end + 1 - page))
        {
            end = Math.Min(next.Last, last);
        }

        return new FrameRun(page, end - page + 1, first);
    }

    private PinnedRange? FirstIn(ulong first, ulong last) => _ranges is not null
        ? _ranges.FirstIn(first, last)
        : _only is { } only && only.First <= last && only.Last >= first ? only : null;

    private void Insert(PinnedRange range)
    {
        if (_ranges is null)
        {
            if (_only is null)
            {
                _only = range;
                return;
            }

            _ranges = new IntervalTree<PinnedRange>();
            _ranges.Insert(_only.First, _only.Last, _only);
            _only = null;
        }

        _ranges.Insert(range.First, range.Last, range);
    }

    private void Remove(PinnedRange range)
    {
        if (_ranges is null)
        {
            _only = null;
        }
        else
        {
            _ranges.Remove(range.First);
            _ranges = _ranges.Count == 0 ? null : _ranges;
        }
    }

    private PinnedRange NewRange() => _only is null && _ranges is null ? _spare : new PinnedRange();
}
