using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>
/// THE DATA PATH: from IOVAs to host addresses for one port and one address space. Inside an epoch scope, look-ups
/// probe the port's translation cache, walk the page table where it misses, fill it, check the permission and mark what
/// is written dirty.
/// </summary>
/// <remarks>
/// <para>Owns: nothing but the last-hit hint and the counters that choose between cache and table.</para>
/// <para>Invariants. D1: every answer is used, and every table word is read, inside one scope. D2: the cache and the hint
/// never hold a permission to write a page that is not marked dirty while the table tracks dirty pages. D3: an answer of
/// zero is a fault; no mapping has host address zero.</para>
/// <para>Threads: the port's.</para>
/// </remarks>
internal abstract unsafe class TranslationLoop
{
    private protected readonly PortContext Context;
    private protected readonly PageTable Table;
    private readonly byte* _small;

    private protected TranslationLoop(PortContext context, PageTable table)
    {
        Context = context;
        Table = table;
        SpaceId = table.SpaceId;
        GranuleBytes = table.Granule;
        _small = context.Tlb.Small;
        SpaceBits = TlbEntry.Unnumbered;
    }

    internal ulong SpaceId { get; }

    /// <summary>The smallest page of the space.</summary>
    internal ulong GranuleBytes { get; }

    private protected ulong SpaceBits { get; private set; }

    // The last region that a look-up hit: contiguous large pages of one permission. Empty when the length is zero.
    private protected ulong HintFirst { get; set; }

    private protected ulong HintBytes { get; set; }

    private protected ulong HintAddend { get; set; }

    private protected Permission HintDenies { get; set; }

    /// <summary>Closes the loop over the shape of a table and the instruction set in force.</summary>
    internal static TranslationLoop Create(PortContext context, PageTable table, IsaWidth isa) => table.Accept(new Closing(context, table, isa));

    /// <summary>Translates one address.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What is wanted.</param>
    /// <param name="host">The host address, or zero.</param>
    /// <returns>False on a fault.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryTranslate(ulong iova, Permission access, out nuint host)
    {
        if (iova - HintFirst < HintBytes && (access & HintDenies) == Permission.None)
        {
            host = (nuint)(iova + HintAddend);
            return true;
        }

        // SAFETY: the offset lies in the array (Iotlb T2).
        var entry = (TlbEntry*)(_small + Iotlb.SmallOffset(iova));
        ulong key = (iova & Iotlb.SmallPageMask) | SpaceBits | (ulong)access;
        if (((entry->Tag ^ key) & TlbEntry.CompareMask(access)) == 0)
        {
            host = (nuint)(iova + entry->Addend);
            return true;
        }

        return TryWalk(iova, access, out host);
    }

    /// <summary>Translates a batch.</summary>
    /// <param name="iovas">Any addresses.</param>
    /// <param name="hosts">Receives as many host addresses, zero for a fault.</param>
    /// <param name="access">What is wanted of each.</param>
    /// <param name="next">The addresses that will be asked for next, as far as they are known.</param>
    /// <returns>The index of the first fault, or -1.</returns>
    internal abstract int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next);

    /// <summary>Why an address cannot be translated.</summary>
    /// <returns>The reason, or none when it can.</returns>
    internal abstract FaultReason Explain(ulong iova, Permission access);

    /// <summary>Translates one address and says how far the answer reaches; both come from one word, which may be another a moment later.</summary>
    internal abstract bool TryTranslatePage(ulong iova, Permission access, out nuint host, out ulong pageLast);

    /// <summary>Drops what is cached of a range.</summary>
    internal void Drop(IovaSpan span)
    {
        if (SpaceBits != TlbEntry.Unnumbered)
        {
            Context.Tlb.Invalidate(SpaceBits, span);
        }

        if (HintBytes != 0 && span.Overlaps(new IovaSpan(HintFirst, HintFirst + HintBytes - 1)))
        {
            HintBytes = 0;
        }
    }

    /// <summary>Drops everything by taking a new number at the next fill.</summary>
    internal void DropAll()
    {
        SpaceBits = TlbEntry.Unnumbered;
        HintBytes = 0;
    }

    private protected abstract bool TryWalk(ulong iova, Permission access, out nuint host);

    private protected void NumberSpace() => SpaceBits = Context.NumberSpace();

    private sealed class Closing(PortContext context, PageTable table, IsaWidth isa) : IWalkerVisitor<TranslationLoop>
    {
        public TranslationLoop Visit<TWalker>(TWalker walker)
            where TWalker : unmanaged, IWalker => isa switch
            {
                IsaWidth.Bits512 => new TranslationLoop<TWalker, Wide512>(context, table, walker),
                IsaWidth.Bits256 => new TranslationLoop<TWalker, Wide256>(context, table, walker),
                IsaWidth.Bits128 => new TranslationLoop<TWalker, Wide128>(context, table, walker),
                _ => new TranslationLoop<TWalker, ScalarIsa>(context, table, walker),
            };
    }
}

/// <summary>The loop for one shape of table and one instruction set.</summary>
/// <typeparam name="TWalker">The shape.</typeparam>
/// <typeparam name="TIsa">The vectors.</typeparam>
internal sealed unsafe class TranslationLoop<TWalker, TIsa> : TranslationLoop
    where TWalker : unmanaged, IWalker
    where TIsa : IIsa
{
    // The cache is worth its probes while at most a quarter of them miss; judged over this many look-ups.
    private const int JudgedLookups = 256;

    // After a bad judgement so many look-ups go straight to the table, then twice as many, up to the last.
    private const int ShortestBypass = 1024;
    private const int LongestBypass = 65536;

    // Below this much memory in leaf tables their words are near, and asking for them ahead only costs.
    private const ulong NearTableBytes = 1 << 20;

    private readonly TWalker _walker;
    private int _judged;
    private int _missed;
    private int _bypass;
    private int _nextBypass = ShortestBypass;
    private bool _largeFirst;
    private int _largeMisses;
    private ulong _announced;

    internal TranslationLoop(PortContext context, PageTable table, TWalker walker)
        : base(context, table) => _walker = walker;

    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next)
    {
        int firstFault = -1;

        // SAFETY: the lengths were compared by the caller; each chunk lies in both spans.
        fixed (ulong* from = iovas, ahead = next)
        fixed (nuint* to = hosts)
        {
            for (int start = 0; start < iovas.Length; start += Probe.BatchLimit)
            {
                int count = Math.Min(Probe.BatchLimit, iovas.Length - start);
                bool last = start + count == iovas.Length;
                bool good = Chunk(
                    from + start,
                    (ulong*)to + start,
                    count,
                    access,
                    last ? ahead : from + start + count,
                    last ? next.Length : iovas.Length - start - count);
                if (!good && firstFault < 0)
                {
                    firstFault = hosts[start..(start + count)].IndexOf((nuint)0);
                    firstFault += firstFault < 0 ? 0 : start;
                }
            }
        }

        return firstFault;
    }

    internal override FaultReason Explain(ulong iova, Permission access) => Resolve(iova, access, out _);

    internal override bool TryTranslatePage(ulong iova, Permission access, out nuint host, out ulong pageLast)
    {
        bool good = Resolve(iova, access, out ulong word) == FaultReason.None;
        host = good ? (nuint)HostOf(word, iova) : 0;
        pageLast = iova | ((word & PtWord.Large) != 0 ? _walker.LargeOffsetMask : _walker.OffsetMask);
        return good;
    }

    private protected override bool TryWalk(ulong iova, Permission access, out nuint host)
    {
        host = 0;
        if (Resolve(iova, access, out ulong word) != FaultReason.None)
        {
            return false;
        }

        host = (nuint)HostOf(word, iova);
        Fill(iova, word);
        if ((word & PtWord.Large) != 0)
        {
            TakeHint(iova, word);
        }

        return true;
    }

    /// <summary>One chunk of a batch: through the cache while it hits, else straight to the table.</summary>
    /// <returns>False when an answer is zero.</returns>
    private bool Chunk(ulong* iovas, ulong* hosts, int count, Permission access, ulong* next, int nextCount)
    {
        if (_bypass > 0)
        {
            _bypass -= count;
            return WalkAll(iovas, hosts, count, access, next, nextCount);
        }

        byte* misses = stackalloc byte[Probe.BatchLimit];
        int missed = Probe.Run<TIsa>(Terms(access), iovas, hosts, count, misses);
        bool good = missed == 0 || FillMisses(iovas, hosts, misses, missed, access);
        _judged += count;
        _missed += missed;
        if (_judged >= JudgedLookups)
        {
            Judge();
        }

        return good;
    }

    private ProbeTerms Terms(Permission access) => _largeFirst
        ? new ProbeTerms(
            (nint)Context.Tlb.Large,
            Iotlb.LargeIndexByte,
            Iotlb.LargeIndexMask,
            Iotlb.LargePageMask,
            TlbEntry.KeyBits(SpaceBits, access),
            TlbEntry.CompareMask(access))
        : new ProbeTerms(
            (nint)Context.Tlb.Small,
            Iotlb.SmallIndexByte,
            Iotlb.SmallIndexMask,
            Iotlb.SmallPageMask,
            TlbEntry.KeyBits(SpaceBits, access),
            TlbEntry.CompareMask(access));

    private void Judge()
    {
        if (_missed * 4 > _judged)
        {
            // Misses on large pages say that the other array should be asked first; misses all over, that none should.
            bool large = _largeMisses * 2 > _missed;
            if (large != _largeFirst && (large || _largeMisses == 0))
            {
                _largeFirst = large;
            }
            else
            {
                _bypass = _nextBypass;
                _nextBypass = Math.Min(_nextBypass * 2, LongestBypass);
            }
        }
        else
        {
            _nextBypass = ShortestBypass;
        }

        _judged = 0;
        _missed = 0;
        _largeMisses = 0;
    }

    /// <summary>Walks for the look-ups that missed, all misses to memory at once, and keeps what was found.</summary>
    private bool FillMisses(ulong* iovas, ulong* hosts, byte* misses, int missed, Permission access)
    {
        ulong mask = ~_walker.Beyond;
        for (int i = 0; i < missed; i++)
        {
            Prefetch.ToL1(_walker.WordOf(iovas[misses[i]] & mask));
        }

        bool good = true;
        for (int i = 0; i < missed; i++)
        {
            ulong iova = iovas[misses[i]];
            if (Resolve(iova, access, out ulong word) == FaultReason.None)
            {
                hosts[misses[i]] = HostOf(word, iova);
                Fill(iova, word);
                _largeMisses += (word & PtWord.Large) != 0 ? 1 : 0;
            }
            else
            {
                hosts[misses[i]] = 0;
                good = false;
            }
        }

        return good;
    }

    private bool WalkAll(ulong* iovas, ulong* hosts, int count, Permission access, ulong* next, int nextCount)
    {
        // A write to a clean page of a table that tracks them does not have the bit it needs; it is resolved below.
        ulong need = PtWord.Need(access);
        need |= (access & Permission.Write) != Permission.None && Table.TracksDirty ? PtWord.Dirty : 0;
        bool good;
        if (Table.BytesTouched <= NearTableBytes)
        {
            good = Lookup.Run<TWalker, TIsa>(_walker, iovas, hosts, count, need);
        }
        else
        {
            bool announced = _announced == (ulong)iovas;
            _announced = nextCount == 0 ? 0 : (ulong)next;
            good = Lookup.RunAhead<TWalker, TIsa>(_walker, iovas, hosts, count, need, next, nextCount, announced);
        }

        return good || ResolveZeros(iovas, hosts, count, access);
    }

    private bool ResolveZeros(ulong* iovas, ulong* hosts, int count, Permission access)
    {
        bool good = true;
        for (int i = 0; i < count; i++)
        {
            if (hosts[i] != 0)
            {
                continue;
            }

            if (Resolve(iovas[i], access, out ulong word) == FaultReason.None)
            {
                hosts[i] = HostOf(word, iovas[i]);
            }
            else
            {
                good = false;
            }
        }

        return good;
    }

    /// <summary>Decides about one address: the word that grants the access, or why there is none. Marks the page dirty.</summary>
    private FaultReason Resolve(ulong iova, Permission access, out ulong word)
    {
        word = 0;
        if (!Table.Aperture.Contains(iova))
        {
            return FaultReason.OutsideAperture;
        }

        while (true)
        {
            // SAFETY: an address in the aperture has no bit beyond it.
            ulong* place = _walker.WordOf(iova);
            ulong seen = Volatile.Read(ref *place);
            if ((seen & PtWord.Table) != 0)
            {
                continue; // a writer put a leaf table where there was none; look again
            }

            if ((seen & PtWord.Present) == 0)
            {
                return FaultReason.NotMapped;
            }

            if ((~seen & (ulong)access) != 0)
            {
                return FaultReason.PermissionDenied;
            }

            if ((access & Permission.Write) != Permission.None && (seen & PtWord.Dirty) == 0 && Table.TracksDirty)
            {
                if (!WordChange.TryMarkDirty(ref *place, seen))
                {
                    continue;
                }

                seen |= PtWord.Dirty;
            }

            word = seen;
            return FaultReason.None;
        }
    }

    private ulong HostOf(ulong word, ulong iova)
    {
        ulong offset = (word & PtWord.Large) != 0 ? _walker.LargeOffsetMask : _walker.OffsetMask;
        return (word & ~offset) | (iova & offset);
    }

    private void Fill(ulong iova, ulong word)
    {
        if (SpaceBits == TlbEntry.Unnumbered)
        {
            NumberSpace();
        }

        ulong addend = HostOf(word, iova) - iova;
        Permission permission = Cacheable(word);
        ulong offset = (word & PtWord.Large) != 0 ? _walker.LargeOffsetMask : _walker.OffsetMask;
        if (offset >= ~Iotlb.LargePageMask)
        {
            Context.Tlb.FillLarge(iova, addend, SpaceBits, permission);
        }

        // A large page is kept as a small one too while small ones are asked first: mixed batches then hit at once.
        if (offset >= ~Iotlb.SmallPageMask && !_largeFirst)
        {
            Context.Tlb.FillSmall(iova, addend, SpaceBits, permission);
        }
    }

    /// <summary>The permission that may be kept outside the table (D2).</summary>
    private Permission Cacheable(ulong word)
    {
        var permission = (Permission)(word & PtWord.PermissionMask);
        return (word & PtWord.Dirty) == 0 && Table.TracksDirty ? permission & ~Permission.Write : permission;
    }

    /// <summary>Remembers the region around a large page: neighbours that continue it in host memory with the same permission.</summary>
    private void TakeHint(ulong iova, ulong word)
    {
        const int farthest = 64;
        ulong page = _walker.LargeOffsetMask + 1;
        ulong first = iova & ~_walker.LargeOffsetMask;
        ulong addend = HostOf(word, iova) - iova;
        ulong pages = 1;
        for (int i = 0; i < farthest && Continues(first - page, word, addend); i++)
        {
            first -= page;
            pages++;
        }

        for (int i = 0; i < farthest && Continues(first + (pages * page), word, addend); i++)
        {
            pages++;
        }

        HintFirst = first;
        HintBytes = pages * page;
        HintAddend = addend;
        HintDenies = Permission.ReadWrite & ~Cacheable(word);
    }

    private bool Continues(ulong iova, ulong word, ulong addend)
    {
        const ulong alike = PtWord.PermissionMask | PtWord.Large | PtWord.Dirty;
        if (!Table.Aperture.Contains(iova))
        {
            return false;
        }

        ulong other = Volatile.Read(ref *_walker.WordOf(iova));
        return (other & alike) == (word & alike) && HostOf(other, iova) - iova == addend;
    }
}
