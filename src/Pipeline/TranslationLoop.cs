using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>
/// THE DATA PATH: from IOVAs to host addresses for one port and one address space. Inside an epoch scope, look-ups
/// probe the port's translation cache, walk the page table where it misses, fill it, check the permission and mark what
/// is written dirty.
/// </summary>
/// <typeparam name="TWalker">The shape.</typeparam>
/// <typeparam name="TIsa">The vectors.</typeparam>
internal sealed unsafe class TranslationLoop<TWalker, TIsa> : Translator
    where TWalker : unmanaged, IWalker
    where TIsa : IIsa
{
    // So few misses are over before what was fetched ahead for them would have come.
    private const int FewMisses = 4;

    // Below this much memory in leaf tables their words are near, and asking for them ahead only costs.
    private const ulong NearTableBytes = 4 << 20;

    private readonly TWalker _walker;
    private readonly PageTable _table;
    private CacheJudge _judge;
    private RegionSearch _regions;
    private ulong _announced;

    internal TranslationLoop(PortContext context, PageTable table, TWalker walker)
        : base(context, table.SpaceId, table.Granule)
    {
        _walker = walker;
        _table = table;
    }

    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next)
    {
        if (iovas.Length > Probe.BatchLimit)
        {
            return TranslateChunks(iovas, hosts, access, next);
        }

        // SAFETY: the lengths were compared by the caller.
        fixed (ulong* from = iovas, ahead = next)
        fixed (nuint* to = hosts)
        {
            return Chunk(from, (ulong*)to, iovas.Length, access, ahead, next.Length) ? -1 : hosts.IndexOf((nuint)0);
        }
    }

    internal override void Answer(ulong* requests, ulong* completions, int count)
    {
        // SAFETY: both have count words, at most a batch; the scratch has room for one.
        ulong* iovas = Context.Tlb.Scratch;
        if (RequestWord.TryStrip(requests, iovas, count, out Permission wanted))
        {
            bool good = Chunk(iovas, completions, count, wanted, null, 0);
            CompletionWord.Mark(completions, count);
            if (!good)
            {
                ExplainFaults(requests, completions, count);
            }

            return;
        }

        // Requests of several kinds: kind by kind, each as one batch.
        ulong* hosts = iovas + Probe.BatchLimit;
        byte* places = (byte*)(hosts + Probe.BatchLimit);
        for (var kind = Permission.None; kind <= Permission.ReadWrite; kind++)
        {
            int picked = RequestWord.Pick(requests, count, kind, iovas, places);
            _ = Chunk(iovas, hosts, picked, kind, null, 0);
            for (int i = 0; i < picked; i++)
            {
                completions[places[i]] = hosts[i];
            }
        }

        CompletionWord.Mark(completions, count);
        ExplainFaults(requests, completions, count);
    }

    internal override FaultReason Explain(ulong iova, Permission access) => Decide(iova, access, marks: false, out _);

    internal override bool TryTranslatePage(ulong iova, Permission access, out nuint host, out ulong pageLast)
    {
        bool good = Resolve(iova, access, out ulong word) == FaultReason.None;
        host = good ? (nuint)HostOf(word, iova) : 0;
        pageLast = iova | ((word & PtWord.Large) != 0 ? _walker.LargeOffsetMask : _walker.OffsetMask);
        return good;
    }

    private protected override bool TryWalk(ulong iova, Permission access, out nuint host)
    {
        // The walk on a miss is as hot as the hit: two loads and one question. What is unusual is decided below.
        if ((iova & _walker.Beyond) == 0)
        {
            // SAFETY: the address has no bit beyond the aperture.
            ulong word = Volatile.Read(ref *_walker.WordOf(iova));
            if ((~word & PtWord.Need(access)) == 0 && !_table.TracksDirty)
            {
                host = (nuint)HostOf(word, iova);
                Keep(iova, word);
                return true;
            }
        }

        host = 0;
        if (Resolve(iova, access, out ulong found) != FaultReason.None)
        {
            return false;
        }

        host = (nuint)HostOf(found, iova);
        Keep(iova, found);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Keep(ulong iova, ulong word)
    {
        Fill(iova, word);
        if ((word & PtWord.Large) != 0)
        {
            _regions.Found(_walker, _table.Aperture, iova, HostOf(word, iova) - iova, word, Cacheable(word), ref Hint);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int TranslateChunks(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next)
    {
        int firstFault = -1;

        // SAFETY: each chunk lies in both spans.
        fixed (ulong* from = iovas, ahead = next)
        fixed (nuint* to = hosts)
        {
            for (int start = 0; start < iovas.Length; start += Probe.BatchLimit)
            {
                int left = iovas.Length - start;
                int count = Math.Min(Probe.BatchLimit, left);
                bool last = count == left;
                if (!Chunk(from + start, (ulong*)to + start, count, access, last ? ahead : from + start + count, last ? next.Length : left - count)
                    && firstFault < 0)
                {
                    firstFault = start + hosts[start..].IndexOf((nuint)0);
                }
            }
        }

        return firstFault;
    }

    private void ExplainFaults(ulong* requests, ulong* completions, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (CompletionWord.IsNothing(completions[i]))
            {
                // A mapping that came between the walk and this look is no fault any more, but the answer was one.
                FaultReason reason = Resolve(RequestWord.AddressOf(requests[i]), RequestWord.WantedOf(requests[i]), out _);
                completions[i] = CompletionWord.Faulted(reason == FaultReason.None ? FaultReason.NotMapped : reason);
            }
        }
    }

    /// <summary>One chunk of a batch: through the cache while it hits, else straight to the table.</summary>
    /// <returns>False when an answer is zero.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Chunk(ulong* iovas, ulong* hosts, int count, Permission access, ulong* next, int nextCount)
    {
        if (_judge.TakeBypass(count))
        {
            return WalkAll(iovas, hosts, count, access, next, nextCount);
        }

        ulong* misses = Context.Tlb.Misses;
        bool good = !Probe.Run<TIsa>(Terms(access), iovas, hosts, count, misses) || FillMisses(iovas, hosts, misses, access);
        _judge.Probed(count);
        return good;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ProbeTerms Terms(Permission access) => _judge.LargeFirst
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

    /// <summary>Walks for the look-ups that missed, all misses to memory at once, and keeps what was found.</summary>
    private bool FillMisses(ulong* iovas, ulong* hosts, ulong* misses, Permission access)
    {
        int missed = 0;
        for (int word = 0; word < Probe.MissWords; word++)
        {
            missed += BitOperations.PopCount(misses[word]);
        }

        if (missed >= FewMisses)
        {
            ulong mask = ~_walker.Beyond;
            for (int word = 0; word < Probe.MissWords; word++)
            {
                for (ulong left = misses[word]; left != 0; left &= left - 1)
                {
                    Prefetch.ToL1(_walker.WordOf(iovas[(word * 64) + BitOperations.TrailingZeroCount(left)] & mask));
                }
            }
        }

        bool good = true;
        int large = 0;
        for (int word = 0; word < Probe.MissWords; word++)
        {
            for (ulong left = misses[word]; left != 0; left &= left - 1)
            {
                int i = (word * 64) + BitOperations.TrailingZeroCount(left);
                good &= TryFillMiss(iovas[i], hosts + i, access, ref large);
            }
        }

        _judge.Missed(missed, large);
        return good;
    }

    private bool TryFillMiss(ulong iova, ulong* host, Permission access, ref int large)
    {
        if (!_judge.LargeFirst && Context.Tlb.TryBuddy(iova, SpaceBits, access, out *host))
        {
            return true;
        }

        if (Resolve(iova, access, out ulong word) != FaultReason.None)
        {
            *host = 0;
            return false;
        }

        *host = HostOf(word, iova);
        Fill(iova, word);
        large += (word & PtWord.Large) != 0 ? 1 : 0;
        return true;
    }

    private bool WalkAll(ulong* iovas, ulong* hosts, int count, Permission access, ulong* next, int nextCount)
    {
        // A write to a clean page of a table that tracks them does not have the bit it needs; it is resolved below.
        ulong need = PtWord.Need(access);
        need |= (access & Permission.Write) != Permission.None && _table.TracksDirty ? PtWord.Dirty : 0;
        bool good;
        if (_table.BytesTouched <= NearTableBytes)
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

    private FaultReason Resolve(ulong iova, Permission access, out ulong word) => Decide(iova, access, marks: true, out word);

    /// <summary>Decides about one address: the word that grants the access, or why there is none.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What is wanted.</param>
    /// <param name="marks">Whether a page that is going to be written is marked dirty.</param>
    /// <param name="word">The word, or zero.</param>
    private FaultReason Decide(ulong iova, Permission access, bool marks, out ulong word)
    {
        word = 0;
        if (!_table.Aperture.Contains(iova))
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

            if (marks && _table.TracksDirty && (access & Permission.Write) != Permission.None && (seen & PtWord.Dirty) == 0)
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong HostOf(ulong word, ulong iova)
    {
        ulong offset = (word & PtWord.Large) != 0 ? _walker.LargeOffsetMask : _walker.OffsetMask;
        return (word & ~offset) | (iova & offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
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
        if (offset >= ~Iotlb.SmallPageMask && !_judge.LargeFirst)
        {
            Context.Tlb.FillSmall(iova, addend, SpaceBits, permission);
        }
    }

    /// <summary>The permission that may be kept outside the table (D2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Permission Cacheable(ulong word)
    {
        var permission = (Permission)(word & PtWord.PermissionMask);
        return _table.TracksDirty && (word & PtWord.Dirty) == 0 ? permission & ~Permission.Write : permission;
    }
}
