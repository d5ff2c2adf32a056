using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FastIova;

/// <summary>One of the two arrays of a cache, as a type: its constants are folded into the loops.</summary>
internal interface ITlbArray
{
    /// <summary>Where the four bytes lie in an address that hold the index of its page.</summary>
    static abstract int IndexByte { get; }

    /// <summary>The mask that makes them a byte offset into the array.</summary>
    static abstract uint IndexMask { get; }

    /// <summary>The bits of an address that are the page's.</summary>
    static abstract ulong PageMask { get; }
}

/// <summary>The array of 4 KiB pages.</summary>
internal readonly struct SmallPages : ITlbArray
{
    public static int IndexByte => Iotlb.SmallIndexByte;

    public static uint IndexMask => Iotlb.SmallIndexMask;

    public static ulong PageMask => Iotlb.SmallPageMask;
}

/// <summary>The array of 2 MiB pages.</summary>
internal readonly struct LargePages : ITlbArray
{
    public static int IndexByte => Iotlb.LargeIndexByte;

    public static uint IndexMask => Iotlb.LargeIndexMask;

    public static ulong PageMask => Iotlb.LargePageMask;
}

/// <summary>The probe of the translation cache, vectorised across look-ups.</summary>
internal static unsafe class Probe
{
    /// <summary>The longest batch.</summary>
    internal const int BatchLimit = 256;

    /// <summary>The words of a map with one bit for each look-up of the longest batch.</summary>
    internal const int MapWords = BatchLimit / 64;

    private const int GroupLookups = 8;
    private const uint AllHit = 0xFF;

    // The bits of a tag that no access can do without.
    private const ulong Strict = ~(ulong)Permission.ReadWrite;

    /// <summary>Translates what hits, and tells what does.</summary>
    /// <typeparam name="TIsa">The vectors to use; all forms give the same answers.</typeparam>
    /// <typeparam name="TArray">Which array.</typeparam>
    /// <typeparam name="TWants">Whether all look-ups want the same.</typeparam>
    /// <param name="array">The array of entries.</param>
    /// <param name="spaceBits">Whose entries.</param>
    /// <param name="iovas">The addresses.</param>
    /// <param name="hosts">Receives the host addresses of the hits; what it receives for a miss means nothing.</param>
    /// <param name="count">At most <see cref="BatchLimit"/>.</param>
    /// <param name="wants">What the look-ups want.</param>
    /// <param name="hits">Receives the bit of each look-up that hit, in <see cref="MapWords"/> words; bits beyond the last look-up mean nothing.</param>
    /// <returns>Whether all hit.</returns>
    /// <remarks>
    /// The loop has no branch but its own: whether a group missed is stored, not asked, because a miss in some groups and not in
    /// others is mispredicted. On a busy Zen 4 (2026-11) this and a list of misses were alike, 0.60 to 0.62 ns at some misses in a hundred.
    /// References, not pointers: a caller who hits need not pin.
    /// </remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool Run<TIsa, TArray, TWants>(byte* array, ulong spaceBits, ref ulong iovas, ref ulong hosts, int count, TWants wants, byte* hits)
        where TIsa : IIsa
        where TArray : ITlbArray
        where TWants : unmanaged, IWants<TWants>
    {
        // SAFETY: iovas and hosts have count elements, hits has a byte for each eight; the masks keep every entry address inside
        // the array (T2).
        ref ulong from = ref iovas;
        ref ulong to = ref hosts;
        nint groups = count / GroupLookups;
        uint all = AllHit;
        if (TIsa.Lanes == 8)
        {
            // Made before the loop, in which the compiler would make them again and again.
            Vector512<ulong> space = Vector512.Create(spaceBits);
            Vector512<ulong> alike = TWants.AreAlike ? wants.Eight(0) : default;
            for (nint group = 0; group < groups; group++)
            {
                Vector512<ulong> even = Join(Entry<TArray>(array, ref from, 0), Entry<TArray>(array, ref from, 2), Entry<TArray>(array, ref from, 4), Entry<TArray>(array, ref from, 6));
                Vector512<ulong> odd = Join(Entry<TArray>(array, ref from, 1), Entry<TArray>(array, ref from, 3), Entry<TArray>(array, ref from, 5), Entry<TArray>(array, ref from, 7));
                Vector512<ulong> iova = Vector512.LoadUnsafe(ref from);
                Vector512<ulong> tag = Avx512F.UnpackLow(even, odd);
                (iova + Avx512F.UnpackHigh(even, odd)).StoreUnsafe(ref to);
                Vector512<ulong> key = (iova & Vector512.Create(TArray.PageMask)) | space;
                Vector512<ulong> access = TWants.AreAlike ? alike : wants.Eight(group * GroupLookups);
                Vector512<ulong> difference = ((tag ^ key) & Vector512.Create(Strict)) | Vector512.AndNot(access, tag);
                uint hit = (uint)Vector512.Equals(difference, Vector512<ulong>.Zero).ExtractMostSignificantBits();
                hits[group] = (byte)hit;
                all &= hit;
                from = ref Unsafe.Add(ref from, GroupLookups);
                to = ref Unsafe.Add(ref to, GroupLookups);
            }
        }
        else
        {
            for (nint group = 0; group < groups; group++)
            {
                nint first = group * GroupLookups;
                uint hit = 0;
                if (TIsa.Lanes == 4)
                {
                    hit = Four<TArray>(array, spaceBits, ref from, ref to, wants.Four(first))
                        | (Four<TArray>(array, spaceBits, ref Unsafe.Add(ref from, 4), ref Unsafe.Add(ref to, 4), wants.Four(first + 4)) << 4);
                }
                else if (TIsa.Lanes == 2)
                {
                    for (int i = 0; i < GroupLookups; i += 2)
                    {
                        hit |= Two<TArray>(array, spaceBits, ref Unsafe.Add(ref from, i), ref Unsafe.Add(ref to, i), wants.Two(first + i)) << i;
                    }
                }
                else
                {
                    hit = Some<TArray, TWants>(array, spaceBits, ref from, ref to, wants, first, GroupLookups);
                }

                hits[group] = (byte)hit;
                all &= hit;
                from = ref Unsafe.Add(ref from, GroupLookups);
                to = ref Unsafe.Add(ref to, GroupLookups);
            }
        }

        int rest = count & (GroupLookups - 1);
        if (rest != 0)
        {
            uint hit = Some<TArray, TWants>(array, spaceBits, ref from, ref to, wants, count - rest, rest);
            hits[groups] = (byte)hit;
            all &= hit | (AllHit << rest);
        }

        // Not asked of the map: a load of words that were just stored as bytes waits until all the stores are done.
        return all == AllHit;
    }

    /// <summary>The oracle of the other forms: up to eight look-ups, one by one.</summary>
    /// <returns>The bits of those that hit.</returns>
    private static uint Some<TArray, TWants>(byte* array, ulong spaceBits, ref ulong iovas, ref ulong hosts, TWants wants, nint first, int count)
        where TArray : ITlbArray
        where TWants : unmanaged, IWants<TWants>
    {
        uint hit = 0;
        for (int i = 0; i < count; i++)
        {
            ulong iova = Unsafe.Add(ref iovas, i);
            var entry = (TlbEntry*)(array + ((uint)(iova >> (8 * TArray.IndexByte)) & TArray.IndexMask));
            Unsafe.Add(ref hosts, i) = iova + entry->Addend;
            ulong key = (iova & TArray.PageMask) | spaceBits;
            ulong difference = ((entry->Tag ^ key) & Strict) | (wants.One(first + i) & ~entry->Tag);
            hit |= (difference == 0 ? 1u : 0) << i;
        }

        return hit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Four<TArray>(byte* array, ulong spaceBits, ref ulong iovas, ref ulong hosts, Vector256<ulong> wants)
        where TArray : ITlbArray
    {
        Vector256<ulong> even = Vector256.Create(Entry<TArray>(array, ref iovas, 0), Entry<TArray>(array, ref iovas, 2));
        Vector256<ulong> odd = Vector256.Create(Entry<TArray>(array, ref iovas, 1), Entry<TArray>(array, ref iovas, 3));
        Vector256<ulong> iova = Vector256.LoadUnsafe(ref iovas);
        Vector256<ulong> tag = Avx2.UnpackLow(even, odd);
        (iova + Avx2.UnpackHigh(even, odd)).StoreUnsafe(ref hosts);
        Vector256<ulong> key = (iova & Vector256.Create(TArray.PageMask)) | Vector256.Create(spaceBits);
        Vector256<ulong> difference = ((tag ^ key) & Vector256.Create(Strict)) | Vector256.AndNot(wants, tag);
        return Vector256.Equals(difference, Vector256<ulong>.Zero).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Two<TArray>(byte* array, ulong spaceBits, ref ulong iovas, ref ulong hosts, Vector128<ulong> wants)
        where TArray : ITlbArray
    {
        Vector128<ulong> even = Entry<TArray>(array, ref iovas, 0);
        Vector128<ulong> odd = Entry<TArray>(array, ref iovas, 1);
        Vector128<ulong> iova = Vector128.LoadUnsafe(ref iovas);
        Vector128<ulong> tag = Low(even, odd);
        (iova + High(even, odd)).StoreUnsafe(ref hosts);
        Vector128<ulong> key = (iova & Vector128.Create(TArray.PageMask)) | Vector128.Create(spaceBits);
        Vector128<ulong> difference = ((tag ^ key) & Vector128.Create(Strict)) | Vector128.AndNot(wants, tag);
        return Vector128.Equals(difference, Vector128<ulong>.Zero).ExtractMostSignificantBits();
    }

    // Four bytes of the address, masked, are the offset of its entry: a 64-bit load would need a shift besides. An AND-NOT
    // with an operand in memory would be one instruction for the two; the JIT splits it (.NET 10, 2026-11).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Entry<TArray>(byte* array, ref ulong iovas, nint lookup)
        where TArray : ITlbArray
    {
        uint index = Unsafe.ReadUnaligned<uint>(ref Unsafe.AddByteOffset(ref Unsafe.As<ulong, byte>(ref iovas), (lookup * sizeof(ulong)) + TArray.IndexByte));
        return Vector128.LoadAligned((ulong*)(array + (index & TArray.IndexMask)));
    }

    // Vector512.Create of two halves goes through memory; inserts do not.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Join(Vector128<ulong> a, Vector128<ulong> b, Vector128<ulong> c, Vector128<ulong> d) =>
        Avx512F.InsertVector256(
            Avx.InsertVector128(a.ToVector256Unsafe(), b, 1).ToVector512Unsafe(),
            Avx.InsertVector128(c.ToVector256Unsafe(), d, 1),
            1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Low(Vector128<ulong> even, Vector128<ulong> odd) =>
        Sse2.IsSupported ? Sse2.UnpackLow(even, odd)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(even, odd)
        : Vector128.Create(even.GetElement(0), odd.GetElement(0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> High(Vector128<ulong> even, Vector128<ulong> odd) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(even, odd)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(even, odd)
        : Vector128.Create(even.GetElement(1), odd.GetElement(1));
}
