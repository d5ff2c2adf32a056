using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>What the translation loops of one port share: the reader's slot, the translation cache, and the work that an invalidation makes.</summary>
/// <remarks>
/// <para>Owns: one slot of the epoch and one <see cref="Iotlb"/>.</para>
/// <para>Invariants. C1: inside a scope the cache holds nothing that was published as gone before the scope was entered.
/// C2: a loop whose number in the cache was taken away has <see cref="TlbEntry.Unnumbered"/>, which no entry has.</para>
/// <para>Threads: the port's; <see cref="Add"/> and <see cref="Remove"/> may be called by others.</para>
/// </remarks>
internal sealed unsafe class PortContext : IDisposable
{
    private const int LinesAtOnce = 64;
    private const int UnannouncedTurns = 16;

    private readonly Lock _lock = new();
    private readonly Epoch _epoch;
    private readonly ReaderKind _kind;
    private readonly EpochSlot* _slot;
    private readonly ulong* _now;
    private readonly bool _fenced;
    private Translator[] _loops = [];
    private bool _disposed;

    /// <param name="epoch">Of the IOMMU that the port belongs to.</param>
    /// <param name="name">For reports.</param>
    /// <param name="kind">Who pays for the fence.</param>
    /// <exception cref="InvalidOperationException">All slots are taken.</exception>
    internal PortContext(Epoch epoch, string name, ReaderKind kind)
    {
        _epoch = epoch;
        _kind = kind;
        _slot = epoch.TryOpen(name, kind);
        if (_slot == null)
        {
            throw new InvalidOperationException($"Port '{name}' cannot be opened: all {Epoch.SlotCapacity} ports of this IOMMU are open; close one.");
        }

        _now = epoch.Now;
        _fenced = kind == ReaderKind.Batch;
        Tlb = new Iotlb();
    }

    internal Iotlb Tlb { get; }

    /// <summary>The port's slot, for the loops, which inline the entry.</summary>
    internal EpochSlot* Slot => _slot;

    /// <summary>The epoch word.</summary>
    internal ulong* Now => _now;

    /// <summary>Whether the port pays for the fence itself.</summary>
    internal bool IsFenced => _fenced;

    /// <summary>Enters a scope, unless the port is in one already.</summary>
    /// <returns>Whether this call entered it, and so its <see cref="Leave"/> must end it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool Enter()
    {
        // SAFETY: the slot is this context's until it is disposed.
        if (_slot->Announced != 0)
        {
            return false;
        }

        // Before the announcement: nothing is in use yet, so no writer need wait for it, and the fence is paid once.
        if (Volatile.Read(ref *_now) != _slot->Seen)
        {
            CarryOutLog(Volatile.Read(ref *_now));
        }

        if (!Epoch.TryEnter(_slot, _now, _fenced))
        {
            CatchUp();
        }

        return true;
    }

    /// <summary>Ends the scope that <see cref="Enter"/> entered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave() => _slot->Leave();

    /// <summary>Counts an access by the device: a read, a write or an atomic operation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void CountAccess(int bytes)
    {
        // SAFETY: as above, in the methods that follow too.
        _slot->Tally.Accesses++;
        _slot->Tally.AccessBytes += (uint)bytes;
    }

    /// <summary>Counts requests of a ring that were answered.</summary>
    internal void CountRequests(int count) => _slot->Tally.Requests += (uint)count;

    /// <summary>Counts an access that failed.</summary>
    internal void CountFault(FaultReason reason) => _slot->Tally.Count(reason);

    /// <summary>Whether the port is inside a scope.</summary>
    internal bool IsInScope => Volatile.Read(ref _slot->Announced) != 0;

    /// <summary>Makes a loop hear of invalidations, from the next scope on.</summary>
    internal void Add(Translator loop)
    {
        lock (_lock)
        {
            Volatile.Write(ref _loops, [.. _loops, loop]);
        }
    }

    /// <summary>Forgets a loop that no scope uses any more.</summary>
    internal void Remove(Translator loop)
    {
        lock (_lock)
        {
            Volatile.Write(ref _loops, [.. _loops.Where(l => l != loop)]);
        }
    }

    /// <summary>Gives a loop a number in the cache; when all are used up, every loop starts anew with an empty cache.</summary>
    internal ulong NumberSpace()
    {
        ulong bits = Tlb.TryNumberSpace();
        if (bits == 0)
        {
            Tlb.Clear();
            DropAll();
            bits = Tlb.TryNumberSpace();
        }

        return bits;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _epoch.Close(_slot, _kind);
            Tlb.Dispose();
        }
    }

    /// <summary>
    /// Carries out the log up to the present and enters. First unannounced: nothing is in use yet, so no writer need wait for
    /// it. After some turns announced all the while, so that writers who publish without a pause cannot keep the port out.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CatchUp()
    {
        for (int turn = 0; turn < UnannouncedTurns; turn++)
        {
            _slot->Leave();
            CarryOutLog(Volatile.Read(ref *_now));
            if (Epoch.TryEnter(_slot, _now, _fenced))
            {
                return;
            }
        }

        do
        {
            CarryOutLog(Volatile.Read(ref *_now));
        }
        while (!Epoch.TryEnter(_slot, _now, _fenced));
    }

    /// <summary>Carries out the log up to an epoch, or a little further.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CarryOutLog(ulong present)
    {
        if (!MustHearOfInvalidations())
        {
            // There is nothing to drop (C1): a port whose batches bypass the cache pays nothing for an unmap.
            _slot->Seen = present;
            return;
        }

        Span<Invalidation> lines = stackalloc Invalidation[LinesAtOnce];
        do
        {
            if (_epoch.ReadLog(_slot->Seen, lines, out int count))
            {
                foreach (ref readonly Invalidation line in lines[..count])
                {
                    CarryOut(in line);
                }

                _slot->Seen += (ulong)count;
            }
            else
            {
                DropAll(); // by taking new numbers
                _slot->Seen = present;
            }
        }
        while (_slot->Seen < present);
    }

    private bool MustHearOfInvalidations()
    {
        bool any = false;
        foreach (Translator loop in Volatile.Read(ref _loops))
        {
            any |= loop.MustHearOfInvalidations();
        }

        return any;
    }

    private void CarryOut(in Invalidation line)
    {
        foreach (Translator loop in Volatile.Read(ref _loops))
        {
            if (loop.SpaceId == line.Space)
            {
                if (line.IsWholeSpace)
                {
                    loop.DropAll();
                }
                else
                {
                    loop.Drop(new IovaSpan(line.First, line.Last));
                }
            }
        }
    }

    private void DropAll()
    {
        foreach (Translator loop in Volatile.Read(ref _loops))
        {
            loop.DropAll();
        }
    }
}
