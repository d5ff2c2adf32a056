using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FastIova;

/// <summary>What one probe of an array compares, the same for every look-up of the batch.</summary>
/// <param name="Array">The array of entries.</param>
/// <param name="IndexByte">Where the index bytes lie in an address.</param>
/// <param name="IndexMask">The mask that makes them a byte offset.</param>
/// <param name="PageMask">The bits of an address that are the page's.</param>
/// <param name="KeyBits">The space and the permission wanted.</param>
/// <param name="CompareMask">The bits of a tag that count.</param>
internal readonly record struct ProbeTerms(nint Array, nint IndexByte, nuint IndexMask, ulong PageMask, ulong KeyBits, ulong CompareMask);

/// <summary>The probe of the translation cache, vectorised across look-ups.</summary>
internal static unsafe class Probe
{
    /// <summary>The longest batch.</summary>
    internal const int BatchLimit = 256;

    /// <summary>The words of a map with one bit for each look-up of the longest batch.</summary>
    internal const int MissWords = BatchLimit / 64;

    private const int GroupLookups = 8;

    /// <summary>Translates what hits, and marks what misses.</summary>
    /// <typeparam name="TIsa">The vectors to use; all forms give the same answers.</typeparam>
    /// <param name="terms">What to compare.</param>
    /// <param name="iovas">The addresses.</param>
    /// <param name="hosts">Receives the host addresses of the hits; what it receives for a miss means nothing.</param>
    /// <param name="count">At most <see cref="BatchLimit"/>.</param>
    /// <param name="misses">Receives <see cref="MissWords"/> words: the bit of each look-up that missed.</param>
    /// <returns>Whether any missed.</returns>
    /// <remarks>
    /// The loop has no branch but its own: whether a group missed is stored, not asked, because a miss in some groups and not in
    /// others is mispredicted. On a busy Zen 4 (2026-11) this and a list of misses were alike, 0.60 to 0.62 ns at some misses in a hundred.
    /// </remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool Run<TIsa>(in ProbeTerms terms, ulong* iovas, ulong* hosts, int count, ulong* misses)
        where TIsa : IIsa
    {
        // SAFETY: iovas and hosts have count elements, misses has its four words; the masks keep every entry address inside
        // the array (T2).
        byte* array = (byte*)terms.Array;
        nint indexByte = terms.IndexByte;
        nuint indexMask = terms.IndexMask;
        byte* missByte = (byte*)misses;
        misses[0] = 0;
        misses[1] = 0;
        misses[2] = 0;
        misses[3] = 0;
        uint any = 0;
        ulong* end = iovas + (count & ~(GroupLookups - 1));
        if (TIsa.Lanes == 8)
        {
            Vector512<ulong> page = Vector512.Create(terms.PageMask);
            Vector512<ulong> keyBits = Vector512.Create(terms.KeyBits);
            Vector512<ulong> compare = Vector512.Create(terms.CompareMask);
            for (; iovas < end; iovas += GroupLookups, hosts += GroupLookups)
            {
                byte* index = (byte*)iovas + indexByte;
                Vector512<ulong> even = Join(
                    Entry(array, indexMask, index),
                    Entry(array, indexMask, index + 16),
                    Entry(array, indexMask, index + 32),
                    Entry(array, indexMask, index + 48));
                Vector512<ulong> odd = Join(
                    Entry(array, indexMask, index + 8),
                    Entry(array, indexMask, index + 24),
                    Entry(array, indexMask, index + 40),
                    Entry(array, indexMask, index + 56));
                Vector512<ulong> iova = Vector512.Load(iovas);
                Vector512<ulong> tag = Avx512F.UnpackLow(even, odd);
                Vector512<ulong> addend = Avx512F.UnpackHigh(even, odd);
                (iova + addend).Store(hosts);
                Vector512<ulong> difference = (tag ^ ((iova & page) | keyBits)) & compare;
                uint missed = (uint)~Vector512.Equals(difference, Vector512<ulong>.Zero).ExtractMostSignificantBits() & 0xFF;
                *missByte++ = (byte)missed;
                any |= missed;
            }
        }
        else if (TIsa.Lanes == 4)
        {
            for (; iovas < end; iovas += GroupLookups, hosts += GroupLookups)
            {
                uint hits = Four(terms, array, indexMask, indexByte, iovas, hosts) | (Four(terms, array, indexMask, indexByte, iovas + 4, hosts + 4) << 4);
                *missByte++ = (byte)~hits;
                any |= ~hits & 0xFF;
            }
        }
        else if (TIsa.Lanes == 2)
        {
            for (; iovas < end; iovas += GroupLookups, hosts += GroupLookups)
            {
                uint hits = Two(terms, array, indexMask, indexByte, iovas, hosts)
                    | (Two(terms, array, indexMask, indexByte, iovas + 2, hosts + 2) << 2)
                    | (Two(terms, array, indexMask, indexByte, iovas + 4, hosts + 4) << 4)
                    | (Two(terms, array, indexMask, indexByte, iovas + 6, hosts + 6) << 6);
                *missByte++ = (byte)~hits;
                any |= ~hits & 0xFF;
            }
        }
        else
        {
            for (; iovas < end; iovas += GroupLookups, hosts += GroupLookups)
            {
                uint missed = Scalar(terms, iovas, hosts, GroupLookups);
                *missByte++ = (byte)missed;
                any |= missed;
            }
        }

        if ((count & (GroupLookups - 1)) != 0)
        {
            uint missed = Scalar(terms, iovas, hosts, count & (GroupLookups - 1));
            *missByte = (byte)missed;
            any |= missed;
        }

        // Not asked of the map: a load of words that were just stored as bytes waits until all the stores are done.
        return any != 0;
    }

    /// <summary>The oracle of the other forms.</summary>
    /// <returns>The bits of the look-ups that missed.</returns>
    private static uint Scalar(in ProbeTerms terms, ulong* iovas, ulong* hosts, int count)
    {
        uint missed = 0;
        for (int i = 0; i < count; i++)
        {
            var entry = (TlbEntry*)((byte*)terms.Array + (*(ushort*)((byte*)(iovas + i) + terms.IndexByte) & terms.IndexMask));
            ulong iova = iovas[i];
            hosts[i] = iova + entry->Addend;
            ulong difference = (entry->Tag ^ ((iova & terms.PageMask) | terms.KeyBits)) & terms.CompareMask;
            missed |= (difference != 0 ? 1u : 0) << i;
        }

        return missed;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Four(in ProbeTerms terms, byte* array, nuint indexMask, nint indexByte, ulong* iovas, ulong* hosts)
    {
        byte* index = (byte*)iovas + indexByte;
        Vector256<ulong> even = Vector256.Create(Entry(array, indexMask, index), Entry(array, indexMask, index + 16));
        Vector256<ulong> odd = Vector256.Create(Entry(array, indexMask, index + 8), Entry(array, indexMask, index + 24));
        Vector256<ulong> iova = Vector256.Load(iovas);
        Vector256<ulong> tag = Avx2.UnpackLow(even, odd);
        Vector256<ulong> addend = Avx2.UnpackHigh(even, odd);
        (iova + addend).Store(hosts);
        Vector256<ulong> difference = (tag ^ ((iova & Vector256.Create(terms.PageMask)) | Vector256.Create(terms.KeyBits))) & Vector256.Create(terms.CompareMask);
        return Vector256.Equals(difference, Vector256<ulong>.Zero).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Two(in ProbeTerms terms, byte* array, nuint indexMask, nint indexByte, ulong* iovas, ulong* hosts)
    {
        byte* index = (byte*)iovas + indexByte;
        Vector128<ulong> even = Entry(array, indexMask, index);
        Vector128<ulong> odd = Entry(array, indexMask, index + 8);
        Vector128<ulong> iova = Vector128.Load(iovas);
        (iova + High(even, odd)).Store(hosts);
        Vector128<ulong> difference = (Low(even, odd) ^ ((iova & Vector128.Create(terms.PageMask)) | Vector128.Create(terms.KeyBits))) & Vector128.Create(terms.CompareMask);
        return Vector128.Equals(difference, Vector128<ulong>.Zero).ExtractMostSignificantBits();
    }

    // Two bytes of the address, masked, are the offset of its entry: one load and one AND for each look-up, where a
    // 64-bit load would need a shift besides.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Entry(byte* array, nuint indexMask, byte* index) =>
        Vector128.LoadAligned((ulong*)(array + (*(ushort*)index & indexMask)));

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
