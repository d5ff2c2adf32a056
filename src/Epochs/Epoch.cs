using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>
/// Time as readers and writers of translations see it. The epoch counts the lines of the invalidation log, so one word
/// tells a reader both that something was taken away and how much of the log it has yet to carry out.
/// </summary>
/// <remarks>
/// <para>Owns: the epoch word, the log (a ring of <see cref="LogCapacity"/> lines) and the slots of the readers.</para>
/// <para>Invariants. E1: a line is written before the epoch that counts it. E2: <c>Reserved - epoch</c> lines at most are
/// being overwritten, so a copied line <c>i</c> is whole when <c>Reserved - i &lt;= LogCapacity</c> after the copy.
/// E3: when <see cref="WaitForReaders"/> returns for a target, no reader is inside a scope that it entered before it had
/// caught up with that target. E4: slots are claimed and returned under the lock; a returned slot announces zero.</para>
/// <para>Readers: enter with <see cref="TryEnter"/>, catch up with <see cref="ReadLog"/>, never lock, never wait.</para>
/// <para>Writers: take entries away first, then <see cref="Publish(ReadOnlySpan{Invalidation})"/>, then wait.</para>
/// <para>Teardown: <see cref="Dispose"/> never fails; readers that are still open and writers that still hold the epoch keep
/// the memory until they close and let go.</para>
/// </remarks>
internal sealed unsafe partial class Epoch : IDisposable
{
    internal const int LogCapacity = 4096;
    internal const int SlotCapacity = 4096;

    /// <summary>More lines than this in one go are told as flushes of whole spaces.</summary>
    internal const int LongestPublication = LogCapacity / 4;

    private const int EpochOffset = 0;
    private const int ReservedOffset = 128;
    private const int GracePeriodsOffset = ReservedOffset + sizeof(ulong); // on the line that a writer has just written
    private const int LogOffset = 4096;
    private const int SlotsOffset = LogOffset + (LogCapacity * 24);

    private readonly Lock _lock = new();
    private readonly VirtualMemory _memory;
    private readonly ulong* _now;
    private readonly ulong* _reserved;
    private readonly long* _gracePeriods;
    private readonly Invalidation* _log;
    private readonly EpochSlot* _slots;
    private readonly string?[] _names = new string?[SlotCapacity];
    private readonly int[] _threads = new int[SlotCapacity];
    private readonly TimeSpan _patience;
    private readonly Action<StuckReader>? _stuck;
    private int _slotsUsed;
    private int _open;
    private readonly HashSet<IEpochHolder> _holders = [];
    private readonly WeakReference<Epoch> _entry;
    private int _singleShot;
    private bool _disposed;
    private bool _isFree;

    /// <param name="patience">How long a writer waits for one reader before it reports it, and between reports.</param>
    /// <param name="stuck">Called on the waiting writer's thread for a reader that blocks it; the writer goes on waiting.</param>
    internal Epoch(TimeSpan patience, Action<StuckReader>? stuck = null)
    {
        _patience = patience;
        _stuck = stuck;
        _memory = VirtualMemory.Reserve(SlotsOffset + (SlotCapacity * (ulong)sizeof(EpochSlot)), hugePages: false);
        // SAFETY: the offsets lie inside the memory reserved above, are multiples of 128, and the memory lives as long as this.
        _now = (ulong*)(_memory.Start + EpochOffset);
        _reserved = (ulong*)(_memory.Start + ReservedOffset);
        _log = (Invalidation*)(_memory.Start + LogOffset);
        _slots = (EpochSlot*)(_memory.Start + SlotsOffset);
        *_now = 1;
        *_reserved = 1;
        _gracePeriods = (long*)(_memory.Start + GracePeriodsOffset);
        _entry = EpochCensus.Enter(this);
    }

    /// <summary>The epoch word, for readers that inline the entry.</summary>
    internal ulong* Now => _now;

    /// <summary>Readers that are open.</summary>
    internal int OpenReaders => Volatile.Read(ref _open);

    /// <summary>Enters a scope if nothing was invalidated since the reader last looked.</summary>
    /// <param name="slot">The reader's slot, outside a scope.</param>
    /// <param name="now">The word of <see cref="Now"/>.</param>
    /// <param name="fenced">True for a reader of <see cref="ReaderKind.Batch"/>.</param>
    /// <returns>False when the reader must first catch up with the log; it is announced all the same.</returns>
    /// <remarks>Threads: the owner of the slot.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool TryEnter(EpochSlot* slot, ulong* now, bool fenced)
    {
        ulong seen = slot->Seen;
        if (fenced)
        {
            // Full fence: pairs with the one in WaitForReaders. Either the writer sees the announcement, or this reader
            // sees the new epoch; without it both could miss each other and a stale translation would be used.
            Interlocked.Exchange(ref slot->Announced, seen);
        }
        else
        {
            // The fence of a single-shot reader is executed for it, by the barrier that WaitForReaders issues.
            Volatile.Write(ref slot->Announced, seen);
        }

        return Volatile.Read(ref *now) == seen;
    }

    /// <summary>Opens a reader.</summary>
    /// <param name="name">For reports.</param>
    /// <param name="kind">Who pays for the fence.</param>
    /// <returns>The slot, caught up with the present, or null when all are taken.</returns>
    /// <remarks>Threads: any.</remarks>
    /// <exception cref="ObjectDisposedException">The epoch is disposed.</exception>
    internal EpochSlot* TryOpen(string name, ReaderKind kind)
    {
        ArgumentNullException.ThrowIfNull(name); // a null in the list of names is a free slot
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int index = Array.IndexOf(_names, null);
            if (index < 0)
            {
                return null;
            }

            _names[index] = name;
            _threads[index] = Environment.CurrentManagedThreadId;
            EpochSlot* slot = _slots + index;
            slot->Seen = *_now;
            slot->Tally = default;
            _slotsUsed = Math.Max(_slotsUsed, index + 1);
            _open++;
            if (kind == ReaderKind.SingleShot)
            {
                _singleShot++;
            }

            // Full fence: pairs with the one in WaitForReaders. A writer that saw neither the slot nor the count has published
            // before this point, so the first entry of the reader sees its epoch and catches up.
            Interlocked.MemoryBarrier();
            return slot;
        }
    }

    /// <summary>Closes a reader that is outside a scope.</summary>
    /// <param name="slot">From <see cref="TryOpen"/>.</param>
    /// <param name="kind">As given there.</param>
    /// <remarks>Threads: any, when the owner no longer uses the slot.</remarks>
    internal void Close(EpochSlot* slot, ReaderKind kind)
    {
        lock (_lock)
        {
            slot->Leave();
            int index = (int)(slot - _slots);
            _gone.Add(_names[index]!, slot->Tally);
            _names[index] = null;
            _open--;
            if (kind == ReaderKind.SingleShot)
            {
                _singleShot--;
            }
        }

        FreeWhenUnused();
    }

    /// <summary>Keeps the memory for a writer, who may publish and wait until it lets go.</summary>
    /// <param name="holder">The writer, which may not count anything yet.</param>
    /// <exception cref="ObjectDisposedException">The epoch is disposed.</exception>
    /// <remarks>Threads: any.</remarks>
    internal void Hold(IEpochHolder holder)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _holders.Add(holder);
        }
    }

    /// <summary>Ends what <see cref="Hold"/> began.</summary>
    internal void LetGo(IEpochHolder holder)
    {
        lock (_lock)
        {
            if (_holders.Remove(holder))
            {
                AddLast(holder);
            }
        }

        FreeWhenUnused();
    }

    /// <summary>Tells the readers what is gone. The entries must have been taken away before.</summary>
    /// <param name="lines">What to invalidate.</param>
    /// <returns>The target for <see cref="WaitForReaders"/>.</returns>
    /// <remarks>Threads: any; writers take turns.</remarks>
    internal ulong Publish(ReadOnlySpan<Invalidation> lines)
    {
        if (lines.Length > LongestPublication)
        {
            return PublishWholeSpaces(lines);
        }

        ulong epoch = TakeTurn((ulong)lines.Length);
        ulong next = epoch + (ulong)lines.Length;
        for (int i = 0; i < lines.Length; i++)
        {
            _log[(epoch + (ulong)i) % LogCapacity] = lines[i];
        }

        // Release: pairs with the acquire in TryEnter and ReadLog; otherwise a reader could see the new epoch and the
        // old line, or the new epoch and the old table entry (E1).
        Volatile.Write(ref *_now, next);
        return next;
    }

    /// <summary>Tells the readers that ranges of one space are gone; neighbours share a line.</summary>
    /// <param name="space">The space.</param>
    /// <param name="spans">At least one.</param>
    /// <returns>The target for <see cref="WaitForReaders"/>.</returns>
    /// <remarks>Threads: any; writers take turns.</remarks>
    internal ulong Publish(ulong space, ReadOnlySpan<IovaSpan> spans)
    {
        while (spans.Length > LongestPublication)
        {
            _ = PublishRun(space, spans[..LongestPublication]);
            spans = spans[LongestPublication..];
        }

        return PublishRun(space, spans);
    }

    private ulong PublishRun(ulong space, ReadOnlySpan<IovaSpan> spans)
    {
        // Neighbours are counted first: a ticket stands for exactly the lines that are written.
        ulong lines = 1;
        for (int i = 1; i < spans.Length; i++)
        {
            lines += spans[i - 1].Last + 1 != spans[i].First ? 1UL : 0;
        }

        ulong at = TakeTurn(lines);
        ulong next = at + lines;
        Invalidation* log = _log;
        ulong first = spans[0].First;
        ulong last = spans[0].Last;
        foreach (ref readonly IovaSpan span in spans[1..])
        {
            if (last + 1 != span.First)
            {
                log[at++ % LogCapacity] = new Invalidation(space, first, last);
                first = span.First;
            }

            last = span.Last;
        }

        log[at % LogCapacity] = new Invalidation(space, first, last);

        // Release: as above (E1).
        Volatile.Write(ref *_now, next);
        return next;
    }

    /// <summary>Reserves lines of the log and waits until the lines before them are written.</summary>
    /// <returns>The epoch from which the lines are the caller's.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong TakeTurn(ulong lines)
    {
        // A ticket: the lines are this writer's when the epoch has come to them. And before the first line is overwritten: pairs
        // with the second read of Reserved in ReadLog; otherwise a reader could take a torn line for a whole one (E2).
        ulong epoch = Interlocked.Add(ref *_reserved, lines) - lines;

        // Acquire: pairs with the release of the writer before; otherwise the lines of two could mix.
        if (Volatile.Read(ref *_now) != epoch)
        {
            WaitForTurn(epoch);
        }

        return epoch;
    }

    /// <summary>Tells the readers that one thing is gone.</summary>
    /// <param name="line">What to invalidate.</param>
    /// <returns>The target for <see cref="WaitForReaders"/>.</returns>
    internal ulong Publish(Invalidation line) => Publish(new ReadOnlySpan<Invalidation>(in line));

    /// <summary>Copies the log lines that a reader has yet to carry out.</summary>
    /// <param name="seen">The reader's epoch.</param>
    /// <param name="lines">Room for the lines.</param>
    /// <param name="count">The lines copied, from <paramref name="seen"/> on.</param>
    /// <returns>False when the log has lapped the reader: it must drop everything and go on from <see cref="Now"/>.</returns>
    /// <remarks>Threads: any number of readers, without waiting.</remarks>
    internal bool ReadLog(ulong seen, Span<Invalidation> lines, out int count)
    {
        ulong pending = Volatile.Read(ref *_now) - seen;
        count = (int)Math.Min(pending, (ulong)lines.Length);
        if (pending > LogCapacity)
        {
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            lines[i] = _log[(seen + (ulong)i) % LogCapacity];
        }

        // The copies must be done before the check: pairs with the atomic addition in Publish (E2).
        Fence.Reads();
        return Volatile.Read(ref *_reserved) - seen <= LogCapacity;
    }

    /// <summary>Gives the memory back, at once or when the last reader is closed and the last writer has let go.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        FreeWhenUnused();
    }

    private void FreeWhenUnused()
    {
        EpochCounts? last;
        lock (_lock)
        {
            if (!_disposed || _open != 0 || _holders.Count != 0 || _isFree)
            {
                return;
            }

            last = Count();
            _isFree = true;
            _memory.Dispose();
        }

        // Not under the lock: whoever reads all epochs takes their locks one by one.
        EpochCensus.Leave(_entry, last);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WaitForTurn(ulong epoch)
    {
        var spin = new SpinWait();
        while (Volatile.Read(ref *_now) != epoch)
        {
            spin.SpinOnce();
        }
    }

    private ulong PublishWholeSpaces(ReadOnlySpan<Invalidation> lines)
    {
        ulong target = 0;
        ulong told = ulong.MaxValue;
        foreach (ref readonly Invalidation line in lines)
        {
            if (line.Space != told)
            {
                told = line.Space;
                target = Publish(Invalidation.WholeSpace(told));
            }
        }

        return target;
    }
}
