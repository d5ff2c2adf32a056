using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>
/// One port's view of one address space: what hits the port's cache is answered here, inline; everything else by the
/// <see cref="TranslationLoop{TWalker, TIsa, TCounting}"/> behind it, which knows the shape of the table.
/// </summary>
/// <remarks>
/// <para>Owns: its number in the cache and the last-hit hint.</para>
/// <para>Invariants. D1: every answer is used, and every table word is read, inside one scope. D2: the cache and the hint
/// never hold a permission to write a page that is not marked dirty while the table tracks dirty pages. D3: an answer of
/// zero is a fault; no mapping has host address zero.</para>
/// <para>Threads: the port's.</para>
/// </remarks>
internal abstract unsafe class Translator
{
    private protected readonly PortContext Context;

    /// <summary>The port's slot, with what it counts.</summary>
    private protected readonly EpochSlot* Slot;

    // Where the space begins in the two arrays of the cache.
    private protected byte* Small;
    private protected byte* Large;
    private readonly ulong* _now;
    private readonly bool _fenced;

    // SpaceBits for a port whose entry is a plain store; bits that no entry has for one that must execute a fence.
    private ulong _plainBits;
    private RegionHint _hint;

    /// <summary>Decides how batches are translated.</summary>
    private protected CacheJudge Judge = new();

    private protected Translator(PortContext context, ulong spaceId, ulong granuleBytes)
    {
        Context = context;
        SpaceId = spaceId;
        GranuleBytes = granuleBytes;
        Slot = context.Slot;
        _now = context.Now;
        _fenced = context.IsFenced;
        SpaceBits = TlbEntry.Unnumbered;
    }

    internal ulong SpaceId { get; }

    /// <summary>The smallest page of the space.</summary>
    internal ulong GranuleBytes { get; }

    private protected ulong SpaceBits
    {
        get;
        private set
        {
            field = value;
            Small = Context.Tlb.SmallOf(value);
            Large = Context.Tlb.LargeOf(value);
            _plainBits = _fenced ? TlbEntry.Unnumbered : value;
        }
    }

    /// <summary>The last region that a look-up hit.</summary>
    private protected ref RegionHint Hint => ref _hint;

    /// <summary>Closes the loop over the shape of a table and the instruction set in force.</summary>
    internal static Translator Create(PortContext context, PageTable table, IsaWidth isa) => Create<Counting>(context, table, isa);

    /// <summary>The same, with a choice whether the loop counts.</summary>
    internal static Translator Create<TCounting>(PortContext context, PageTable table, IsaWidth isa)
        where TCounting : struct, ICounting => table.Accept<Closing<TCounting>, Translator>(new Closing<TCounting>(context, table, isa));

    /// <summary>Translates one address in a scope of its own, if the cache has it and nothing stands in the way.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What is wanted.</param>
    /// <param name="host">The host address, when the answer is true.</param>
    /// <returns>False when the long way must be taken, with an attachment read anew inside a scope.</returns>
    /// <remarks>
    /// All that may go another way is asked by one branch: whether the port is in a scope already, needs a fence, has to
    /// catch up, or misses. With a branch for each a look-up took 3.4 ns, so it takes 2.1 to 2.4 (hot, Zen 4, busy machine, 2026-11).
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryHit(ulong iova, Permission access, out nuint host)
    {
        // A bit that is no permission must not reach the tag of another space.
        access &= Permission.ReadWrite;

        // SAFETY: the slot is this port's; the offset lies in the array (Iotlb T2).
        EpochSlot* slot = Slot;
        ulong outer = slot->Announced;
        ulong seen = slot->Seen;

        // In an outer scope this stores what is there already: the port caught up when it entered (EpochSlot S1).
        Volatile.Write(ref slot->Announced, seen);
        ulong stale = Volatile.Read(ref *_now) ^ seen;
        var entry = (TlbEntry*)(Small + Iotlb.SmallOffset(iova));
        ulong key = (iova & Iotlb.SmallPageMask) | _plainBits | (ulong)access;
        ulong miss = (entry->Tag ^ key) & TlbEntry.CompareMask(access);
        host = (nuint)(iova + entry->Addend);

        if ((outer | stale | miss) != 0)
        {
            // Release: as EpochSlot.Leave; an outer scope goes on.
            Volatile.Write(ref slot->Announced, outer);
            return false;
        }

        // A constant, not what was loaded above, so that no call depends on the store of the one before; no difference was measured.
        slot->Leave();
        return true;
    }

    /// <summary>Translates one address inside a scope.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What is wanted.</param>
    /// <param name="host">The host address, or zero.</param>
    /// <returns>False on a fault.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryTranslate(ulong iova, Permission access, out nuint host)
    {
        access &= Permission.ReadWrite;
        if (_hint.TryHit(iova, access, out host))
        {
            return true;
        }

        // SAFETY: the offset lies in the array (Iotlb T2).
        var entry = (TlbEntry*)(Small + Iotlb.SmallOffset(iova));
        ulong key = (iova & Iotlb.SmallPageMask) | SpaceBits | (ulong)access;
        if (((entry->Tag ^ key) & TlbEntry.CompareMask(access)) == 0)
        {
            host = (nuint)(iova + entry->Addend);
            return true;
        }

        // Only what a call writes has to lie in memory: with a place of its own the caller's answer stays in a register.
        bool good = TryWalk(iova, access, out nuint walked);
        host = walked;
        return good;
    }

    /// <summary>Translates a batch.</summary>
    /// <param name="iovas">Any addresses.</param>
    /// <param name="hosts">Receives as many host addresses, zero for a fault.</param>
    /// <param name="access">What is wanted of each.</param>
    /// <param name="next">The addresses that will be asked for next, as far as they are known.</param>
    /// <returns>The index of the first fault, or -1.</returns>
    internal abstract int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, Permission access, ReadOnlySpan<ulong> next);

    /// <summary>Translates a batch of accesses that want different things.</summary>
    /// <param name="iovas">Any addresses.</param>
    /// <param name="hosts">Receives as many host addresses, zero for a fault.</param>
    /// <param name="access">What is wanted of each, as many.</param>
    /// <param name="next">The addresses that will be asked for next, as far as they are known.</param>
    /// <returns>The index of the first fault, or -1.</returns>
    internal abstract int Translate(ReadOnlySpan<ulong> iovas, Span<nuint> hosts, ReadOnlySpan<Permission> access, ReadOnlySpan<ulong> next);

    /// <summary>Answers requests of a ring, inside the caller's scope.</summary>
    /// <param name="requests">Words of <see cref="RequestWord"/>, from another program: any value.</param>
    /// <param name="completions">Receives as many words of <see cref="CompletionWord"/>, or host addresses that are to become such.</param>
    /// <param name="count">How many, at most <see cref="Probe.BatchLimit"/>.</param>
    internal abstract void Answer(ulong* requests, ulong* completions, int count);

    /// <summary>Why an address cannot be translated.</summary>
    /// <returns>The reason, or none when it can.</returns>
    internal abstract FaultReason Explain(ulong iova, Permission access);

    /// <summary>What stands for a page elsewhere that the engine can only copy, with the offset in it; a page to be written is marked dirty.</summary>
    /// <returns>Zero when the access is refused, or the page is in this process.</returns>
    internal abstract ulong RemoteOf(ulong iova, Permission access);

    /// <summary>Translates one address and says how far the answer reaches; both come from one word, which may be another a moment later.</summary>
    internal abstract bool TryTranslatePage(ulong iova, Permission access, out nuint host, out ulong pageLast);

    /// <summary>Whether the cache or the hint may hold something that an invalidation drops; asked before the log is carried out.</summary>
    internal bool MustHearOfInvalidations()
    {
        if (Judge.Bypasses)
        {
            // What the cache holds is of no use for a while: dropped whole, it costs nothing at this unmap and the next.
            DropAll();
        }

        return SpaceBits != TlbEntry.Unnumbered;
    }

    /// <summary>Drops what is cached of a range.</summary>
    internal void Drop(IovaSpan span)
    {
        if (SpaceBits != TlbEntry.Unnumbered)
        {
            Context.Tlb.Invalidate(SpaceBits, span);
        }

        _hint.Drop(span);
    }

    /// <summary>Drops everything by taking a new number at the next fill.</summary>
    internal void DropAll()
    {
        SpaceBits = TlbEntry.Unnumbered;
        _hint = default;
    }

    private protected abstract bool TryWalk(ulong iova, Permission access, out nuint host);

    private protected void NumberSpace() => SpaceBits = Context.NumberSpace();

    private readonly struct Closing<TCounting>(PortContext context, PageTable table, IsaWidth isa) : IWalkerVisitor<Translator>
        where TCounting : struct, ICounting
    {
        public Translator Visit<TWalker>(TWalker walker)
            where TWalker : unmanaged, IWalker
        {
            if (!IsaChoice.HasNarrow)
            {
                // One width, which is known: code compiled ahead of time has no other loop.
                return Vector512.IsHardwareAccelerated ? new TranslationLoop<TWalker, Wide512, TCounting>(context, table, walker)
                    : Vector256.IsHardwareAccelerated ? new TranslationLoop<TWalker, Wide256, TCounting>(context, table, walker)
                    : Vector128.IsHardwareAccelerated ? new TranslationLoop<TWalker, Wide128, TCounting>(context, table, walker)
                    : new TranslationLoop<TWalker, ScalarIsa, TCounting>(context, table, walker);
            }

            return isa switch
            {
                IsaWidth.Bits512 => new TranslationLoop<TWalker, Wide512, TCounting>(context, table, walker),
                IsaWidth.Bits256 => new TranslationLoop<TWalker, Wide256, TCounting>(context, table, walker),
                IsaWidth.Bits128 => new TranslationLoop<TWalker, Wide128, TCounting>(context, table, walker),
                _ => new TranslationLoop<TWalker, ScalarIsa, TCounting>(context, table, walker),
            };
        }
    }
}
