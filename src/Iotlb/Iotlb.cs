using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>
/// The translation cache of one port: two direct-mapped arrays, one for pages of 4 KiB and one for pages of 2 MiB, probed
/// across look-ups. It knows no page table.
/// </summary>
/// <remarks>
/// <para>Owns: the two arrays (256 and 64 KiB and room for the shifts, touched where they are used), and the numbers that its tags give to spaces.</para>
/// <para>Invariants. T1: an entry matches only look-ups of the space and the page that its tag names, with a permission
/// that the tag holds. T2: an entry of the array of 4 KiB pages lies at index <c>iova[25:12]</c> or, when another page took
/// that place, at its buddy, the index with the lowest bit turned; one of the array of 2 MiB pages lies at <c>iova[31:21]</c>. So an
/// invalidation need not search for less than a page of the array's reach. The indices of a space count from a place of its
/// own: spaces that map the same iovas, as PASIDs do, would push each other out otherwise (2.9 ns a look-up for 0.45, Zen 4, 2026-11). T3: a number of
/// a space is given out once between two clearings, so a space is flushed by taking a new number.</para>
/// <para>Threads: the port's. Others never touch it; they write the invalidation log, and the port carries it out.</para>
/// </remarks>
internal sealed unsafe class Iotlb : IDisposable
{
    /// <summary>Where the bytes lie in an address that hold the index of a 4 KiB page, and the mask that makes them a byte offset: 16,384 entries of 16 bytes.</summary>
    internal const int SmallIndexByte = 1;
    internal const int SmallIndexMask = 0x3FFF0;

    /// <summary>The same for a 2 MiB page: 2,048 entries, 32 bytes apart.</summary>
    internal const int LargeIndexByte = 2;
    internal const int LargeIndexMask = 0xFFE0;

    internal const ulong SmallPageMask = ~0xFFFUL;
    internal const ulong LargePageMask = ~0x1FFFFFUL;

    private const int SmallBytes = SmallIndexMask + 16;
    private const int LargeBytes = LargeIndexMask + 32;
    private const nuint BuddyBit = 16;

    // 128 places for a space to begin at, an odd number of lines apart.
    private const int Shifts = 128;
    private const int ShiftBytes = 17 * 64;
    internal const int RoomBytes = (Shifts - 1) * ShiftBytes;

    private const ulong ScratchBytes = Probe.BatchLimit * sizeof(ulong);

    private readonly VirtualMemory _memory;
    private readonly byte* _small;
    private readonly byte* _large;
    private int _spaces;
    private bool _smallFilled;
    private bool _largeFilled;

    internal Iotlb()
    {
        _memory = VirtualMemory.Reserve(SmallBytes + LargeBytes + (2 * RoomBytes) + ScratchBytes + 4096, hugePages: false);
        // SAFETY: two arrays with their room; every offset that the index masks let through lies inside, 16-byte aligned.
        _small = _memory.Start;
        _large = _memory.Start + SmallBytes + RoomBytes;
    }

    /// <summary>Room for the map of one batch's hits.</summary>
    internal byte* Hits => _large + LargeBytes + RoomBytes;

    /// <summary>Room for a list of <see cref="Probe.BatchLimit"/> addresses, for whoever prepares a batch.</summary>
    internal ulong* Scratch => (ulong*)(_large + LargeBytes + RoomBytes + 4096);

    /// <summary>Where the indices of a space begin in the array of 4 KiB pages.</summary>
    internal byte* SmallOf(ulong spaceBits) => _small + Shift(spaceBits);

    /// <summary>Where the indices of a space begin in the array of 2 MiB pages.</summary>
    internal byte* LargeOf(ulong spaceBits) => _large + Shift(spaceBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static nuint SmallOffset(ulong iova) => (nuint)(iova >> 8) & SmallIndexMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static nuint LargeOffset(ulong iova) => (nuint)(iova >> 16) & LargeIndexMask;

    /// <summary>Gives a space its number in the tags.</summary>
    /// <returns>The number as tag bits; zero when all are used up: <see cref="Clear"/> and give every space a new one.</returns>
    internal ulong TryNumberSpace() => _spaces == TlbEntry.SpaceLast ? 0 : TlbEntry.SpaceBits(++_spaces);

    /// <summary>Keeps a translation of a page that is 4 KiB or larger.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void FillSmall(ulong iova, ulong addend, ulong spaceBits, Permission permission)
    {
        _smallFilled = true;
        byte* small = SmallOf(spaceBits);
        var place = (TlbEntry*)(small + SmallOffset(iova));
        if (place->Tag != 0 && ((place->Tag ^ iova) & SmallPageMask) != 0)
        {
            // Two hot pages in one place would push each other out at every turn; the older one moves next door.
            *(TlbEntry*)(small + (SmallOffset(iova) ^ BuddyBit)) = *place;
        }

        *place = new TlbEntry((iova & SmallPageMask) | TlbEntry.KeyBits(spaceBits, permission), addend);
    }

    /// <summary>Looks for a 4 KiB page that was moved next door.</summary>
    /// <param name="iova">The address.</param>
    /// <param name="spaceBits">Whose.</param>
    /// <param name="access">What is wanted.</param>
    /// <param name="host">The host address, when the answer is true.</param>
    /// <returns>Whether it is there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryBuddy(ulong iova, ulong spaceBits, Permission access, out ulong host)
    {
        var entry = (TlbEntry*)(SmallOf(spaceBits) + (SmallOffset(iova) ^ BuddyBit));
        ulong key = (iova & SmallPageMask) | TlbEntry.KeyBits(spaceBits, access);
        host = iova + entry->Addend;
        return ((entry->Tag ^ key) & TlbEntry.CompareMask(access)) == 0;
    }

    /// <summary>Keeps a translation of a page that is 2 MiB or larger.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void FillLarge(ulong iova, ulong addend, ulong spaceBits, Permission permission)
    {
        _largeFilled = true;
        *(TlbEntry*)(LargeOf(spaceBits) + LargeOffset(iova)) = new TlbEntry((iova & LargePageMask) | TlbEntry.KeyBits(spaceBits, permission), addend);
    }

    /// <summary>Drops the translations of a range, and nothing else.</summary>
    /// <param name="spaceBits">Whose.</param>
    /// <param name="span">Which addresses.</param>
    internal void Invalidate(ulong spaceBits, IovaSpan span)
    {
        if (_smallFilled)
        {
            Invalidate(SmallOf(spaceBits), SmallIndexByte, SmallIndexMask, 12, spaceBits, span);
        }

        if (_largeFilled)
        {
            Invalidate(LargeOf(spaceBits), LargeIndexByte, LargeIndexMask, 21, spaceBits, span);
        }
    }

    /// <summary>Drops everything; numbers of spaces may be given again.</summary>
    internal void Clear()
    {
        _spaces = 0;
        _smallFilled = false;
        _largeFilled = false;
        // SAFETY: the two arrays are this object's.
        new Span<byte>(_small, SmallBytes + RoomBytes).Clear();
        new Span<byte>(_large, LargeBytes + RoomBytes).Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    // By the golden ratio: the first few spaces lie far apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nuint Shift(ulong spaceBits) => (nuint)(((uint)(spaceBits >> TlbEntry.SpaceShift) * 0x9E37_79B9u) >> 25) * ShiftBytes;

    private static void Invalidate(byte* array, int indexByte, int indexMask, int pageLg2, ulong spaceBits, IovaSpan span)
    {
        ulong first = span.First >> pageLg2;
        ulong pages = (span.Last >> pageLg2) - first + 1;
        if (pages <= (ulong)indexMask / 32)
        {
            // Page by page while these are fewer places than the array has.
            for (ulong page = first; page < first + pages; page++)
            {
                ulong iova = page << pageLg2;
                nuint offset = (nuint)(iova >> (8 * indexByte)) & (nuint)indexMask;
                Drop((TlbEntry*)(array + offset), spaceBits, pageLg2, page);

                // The array of large pages has no buddies; what lies there, between its entries, is zero and stays so.
                Drop((TlbEntry*)(array + (offset ^ BuddyBit)), spaceBits, pageLg2, page);
            }

            return;
        }

        int stride = indexMask & -indexMask;
        for (int offset = 0; offset <= indexMask; offset += stride)
        {
            var entry = (TlbEntry*)(array + offset);
            if (entry->IsOf(spaceBits) && (entry->Tag >> pageLg2) - first < pages)
            {
                *entry = default;
            }
        }
    }

    private static void Drop(TlbEntry* entry, ulong spaceBits, int pageLg2, ulong page)
    {
        if (entry->IsOf(spaceBits) && entry->Tag >> pageLg2 == page)
        {
            *entry = default;
        }
    }
}
