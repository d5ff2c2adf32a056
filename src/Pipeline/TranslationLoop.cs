using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>
/// THE DATA PATH: from IOVAs to host addresses for one port and one address space. Inside an epoch scope, look-ups
/// probe the port's translation cache, walk the page table where it misses, fill it, check the permission and mark what
/// is written dirty.
/// </summary>
/// <typeparam name="TWalker">The shape.</typeparam>
/// <typeparam name="TIsa">The vectors.</typeparam>
/// <typeparam name="TCounting">Whether it counts.</typeparam>
internal sealed unsafe partial class TranslationLoop<TWalker, TIsa, TCounting> : Translator
    where TWalker : unmanaged, IWalker
    where TIsa : IIsa
    where TCounting : struct, ICounting
{
    private const int FewMisses = 4; // so few are over before what was fetched ahead for them would have come
    private const ulong NearTableBytes = 4 << 20; // below this leaf tables are near, and asking for their words ahead only costs
    private const int WalksAMeasure = 64; // a table grows slowly: how large it is is asked once in so many batches

    private readonly byte* _hits;
    private readonly TWalker _walker;
    private readonly PageTable _table;
    private RegionSearch _regions;
    private ulong _announced;

    // Whether less than a quarter of the last batch needed more than the root, whose words are near.
    private bool _fewFromLeaves;
    private bool _near;
    private int _walksToMeasure;

    internal TranslationLoop(PortContext context, PageTable table, TWalker walker)
        : base(context, table.SpaceId, table.Granule)
    {
        // SAFETY: the cache lives as long as its port, and so longer than any call of this loop.
        _hits = context.Tlb.Hits;
        _walker = walker;
        _table = table;
    }

    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next)
    {
        // A batch that hits from end to end is answered without pinning anything.
        bool probed = iovas.Length <= Probe.BatchLimit && !Judge.Bypasses;
        if (probed && Probed(ref MemoryMarshal.GetReference(iovas), ref Words(hosts), iovas.Length, new WantsAlike(access)))
        {
            return -1;
        }

        // SAFETY: the lengths were compared by the caller.
        fixed (ulong* from = iovas, ahead = next)
        fixed (nuint* to = hosts)
        {
            bool good = probed ? AfterProbe(from, (ulong*)to, iovas.Length, new WantsAlike(access))
                : Chunks(from, (ulong*)to, iovas.Length, new WantsAlike(access), ahead, next.Length);
            return good ? -1 : hosts.IndexOf((nuint)0);
        }
    }

    internal override int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, ReadOnlySpan<Permission> access, ReadOnlySpan<ulong> next)
    {
        // SAFETY: the lengths were compared by the caller.
        fixed (ulong* from = iovas, ahead = next)
        fixed (nuint* to = hosts)
        fixed (Permission* each = access)
        {
            return Chunks(from, (ulong*)to, iovas.Length, new WantsEach(each), ahead, next.Length) ? -1 : hosts.IndexOf((nuint)0);
        }
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
                TCounting.SingleWalk(Slot);
                Keep(iova, word);
                return true;
            }
        }

        host = 0;
        TCounting.SingleWalk(Slot);
        FaultReason reason = Resolve(iova, access, out ulong found);
        if (reason != FaultReason.None)
        {
            if (reason != FaultReason.Remote) // the port may copy it, and says so when it cannot
            {
                Slot->Tally.Count(reason);
            }

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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref ulong Words(Span<nuint> hosts) => ref Unsafe.As<nuint, ulong>(ref MemoryMarshal.GetReference(hosts));

    /// <summary>A batch of any length, chunk by chunk.</summary>
    /// <returns>False when an answer is zero.</returns>
    private bool Chunks<TWants>(ulong* iovas, ulong* hosts, int count, TWants wants, ulong* next, int nextCount)
        where TWants : unmanaged, IWants<TWants>
    {
        bool good = true;
        for (; count > Probe.BatchLimit; count -= Probe.BatchLimit)
        {
            good &= Chunk(iovas, hosts, Probe.BatchLimit, wants, iovas + Probe.BatchLimit, count - Probe.BatchLimit);
            iovas += Probe.BatchLimit;
            hosts += Probe.BatchLimit;
            wants = wants.From(Probe.BatchLimit);
        }

        return good & Chunk(iovas, hosts, count, wants, next, nextCount);
    }

    /// <summary>One chunk of a batch: through the cache while it hits, else straight to the table.</summary>
    /// <returns>False when an answer is zero.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Chunk<TWants>(ulong* iovas, ulong* hosts, int count, TWants wants, ulong* next, int nextCount)
        where TWants : unmanaged, IWants<TWants>
    {
        if (Judge.TakeBypass(count))
        {
            return WalkAll(iovas, hosts, count, wants, next, nextCount);
        }

        return Probed(ref *iovas, ref *hosts, count, wants) || AfterProbe(iovas, hosts, count, wants);
    }

    /// <summary>Translates what hits the cache.</summary>
    /// <returns>Whether all did.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Probed<TWants>(ref ulong iovas, ref ulong hosts, int count, TWants wants)
        where TWants : unmanaged, IWants<TWants>
    {
        Judge.Probed(count);
        TCounting.Lookups(Slot, count);
        return Judge.LargeFirst
            ? Probe.Run<TIsa, LargePages, TWants>(Large, SpaceBits, ref iovas, ref hosts, count, wants, _hits)
            : Probe.Run<TIsa, SmallPages, TWants>(Small, SpaceBits, ref iovas, ref hosts, count, wants, _hits);
    }

    /// <summary>Walks for the look-ups that missed, all misses to memory at once, and keeps what was found.</summary>
    private bool AfterProbe<TWants>(ulong* iovas, ulong* hosts, int count, TWants wants)
        where TWants : unmanaged, IWants<TWants>
    {
        ulong* hits = (ulong*)_hits;
        byte* places = (byte*)(hits + Probe.MapWords);
        int missed = 0;
        for (int start = 0; start < count; start += 64)
        {
            // Bits beyond the last look-up mean nothing.
            for (ulong left = ~hits[start / 64] & (ulong.MaxValue >> Math.Max(0, start + 64 - count)); left != 0; left &= left - 1)
            {
                places[missed++] = (byte)(start + BitOperations.TrailingZeroCount(left));
            }
        }

        ulong mask = ~_walker.Beyond;
        for (int i = 0; i < missed && missed >= FewMisses; i++)
        {
            Prefetch.ToL1(_walker.WordOf(iovas[places[i]] & mask));
        }

        bool good = true;
        int large = 0;
        int walked = missed;
        for (int i = 0; i < missed; i++)
        {
            int place = places[i];
            good &= TryFillMiss(iovas[place], hosts + place, (Permission)wants.One(place), ref large, ref walked);
        }

        Judge.Missed(missed, large);
        TCounting.Walks(Slot, walked);
        return good;
    }

    private bool TryFillMiss(ulong iova, ulong* host, Permission access, ref int large, ref int walked)
    {
        if (!Judge.LargeFirst && Context.Tlb.TryBuddy(iova, SpaceBits, access, out *host))
        {
            walked--;
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

    private bool WalkAll<TWants>(ulong* iovas, ulong* hosts, int count, TWants wants, ulong* next, int nextCount)
        where TWants : unmanaged, IWants<TWants>
    {
        // A write to a clean page of a table that tracks them does not have the bit it needs; it is resolved below.
        ulong dirty = _table.TracksDirty ? PtWord.Dirty : 0;
        bool good;
        TCounting.Lookups(Slot, count);
        TCounting.Walks(Slot, count);
        if (count < Lookup.ShortestGrouped)
        {
            good = Lookup.Apart(_walker, iovas, hosts, 0, count, wants, dirty);
            return good || ResolveZeros(iovas, hosts, count, wants);
        }

        if (--_walksToMeasure < 0)
        {
            _walksToMeasure = WalksAMeasure;
            _near = _table.BytesTouched <= NearTableBytes;
        }

        // Compiled only where they differ: without a root no batch is of few leaves, and only eight lanes make two phases.
        int fromLeaves = 0;
        bool few = TWalker.HasRoot && _fewFromLeaves;
        if (_near)
        {
            good = few || TIsa.Lanes != 8
                ? Lookup.Run<TWalker, TIsa, TWants>(_walker, iovas, hosts, count, wants, dirty, ref fromLeaves)
                : Lookup.RunTwice<TWalker, TIsa, TWants>(_walker, iovas, hosts, count, wants, dirty, ref fromLeaves);
        }
        else
        {
            bool announced = _announced == (ulong)iovas;
            _announced = nextCount == 0 ? 0 : (ulong)next;
            good = few
                ? Lookup.RunAhead<TWalker, TIsa, TWants, Lookup.FetchLeaves>(_walker, iovas, hosts, count, wants, dirty, next, nextCount, announced, ref fromLeaves)
                : Lookup.RunAhead<TWalker, TIsa, TWants, Lookup.FetchAll>(_walker, iovas, hosts, count, wants, dirty, next, nextCount, announced, ref fromLeaves);
        }

        _fewFromLeaves = fromLeaves * 8 * 4 < count;

        return good || ResolveZeros(iovas, hosts, count, wants);
    }

    private bool ResolveZeros<TWants>(ulong* iovas, ulong* hosts, int count, TWants wants)
        where TWants : unmanaged, IWants<TWants>
    {
        bool good = true;
        for (int i = 0; i < count; i++)
        {
            if (hosts[i] != 0)
            {
                continue;
            }

            if (Resolve(iovas[i], (Permission)wants.One(i), out ulong word) == FaultReason.None)
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

    /// <summary>Decides about one address: the word that grants the access, or why there is none; with the reason that the page is remote, its word.</summary>
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

            if (seen == 0)
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
            return (seen & PtWord.Present) != 0 ? FaultReason.None : FaultReason.Remote;
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
        if (offset >= ~Iotlb.SmallPageMask && !Judge.LargeFirst)
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
