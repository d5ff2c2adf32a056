using System.Numerics;
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
internal readonly unsafe record struct ProbeTerms(nint Array, int IndexByte, int IndexMask, ulong PageMask, ulong KeyBits, ulong CompareMask);

/// <summary>The probe of the translation cache, vectorised across look-ups.</summary>
internal static unsafe class Probe
{
    /// <summary>The longest batch, so that the index of a miss fits in a byte.</summary>
    internal const int BatchLimit = 256;

    /// <summary>Translates what hits, and lists what misses.</summary>
    /// <typeparam name="TIsa">The vectors to use; all forms give the same answers.</typeparam>
    /// <param name="terms">What to compare.</param>
    /// <param name="iovas">The addresses.</param>
    /// <param name="hosts">Receives the host addresses of the hits; what it receives for a miss means nothing.</param>
    /// <param name="count">At most <see cref="BatchLimit"/>.</param>
    /// <param name="misses">Receives the indices of the misses in order; room for <see cref="BatchLimit"/>.</param>
    /// <returns>How many missed.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static int Run<TIsa>(in ProbeTerms terms, ulong* iovas, ulong* hosts, int count, byte* misses)
        where TIsa : IIsa
    {
        // SAFETY: iovas and hosts have count elements; the masks keep every entry address inside the array (T2).
        byte* array = (byte*)terms.Array;
        byte* index = (byte*)iovas + terms.IndexByte;
        int indexMask = terms.IndexMask;
        int missed = 0;
        int i = 0;
        if (TIsa.Lanes == 8)
        {
            Vector512<ulong> page = Vector512.Create(terms.PageMask);
            Vector512<ulong> keyBits = Vector512.Create(terms.KeyBits);
            Vector512<ulong> compare = Vector512.Create(terms.CompareMask);
            for (; i <= count - 8; i += 8)
            {
                Vector512<ulong> even = Join(
                    Entry(array, indexMask, index, i),
                    Entry(array, indexMask, index, i + 2),
                    Entry(array, indexMask, index, i + 4),
                    Entry(array, indexMask, index, i + 6));
                Vector512<ulong> odd = Join(
                    Entry(array, indexMask, index, i + 1),
                    Entry(array, indexMask, index, i + 3),
                    Entry(array, indexMask, index, i + 5),
                    Entry(array, indexMask, index, i + 7));
                Vector512<ulong> iova = Vector512.Load(iovas + i);
                Vector512<ulong> tag = Avx512F.UnpackLow(even, odd);
                Vector512<ulong> addend = Avx512F.UnpackHigh(even, odd);
                (iova + addend).Store(hosts + i);
                Vector512<ulong> difference = (tag ^ ((iova & page) | keyBits)) & compare;
                if (difference != Vector512<ulong>.Zero)
                {
                    missed = List(~Vector512.Equals(difference, Vector512<ulong>.Zero).ExtractMostSignificantBits() & 0xFF, i, misses, missed);
                }
            }
        }
        else if (TIsa.Lanes == 4)
        {
            Vector256<ulong> page = Vector256.Create(terms.PageMask);
            Vector256<ulong> keyBits = Vector256.Create(terms.KeyBits);
            Vector256<ulong> compare = Vector256.Create(terms.CompareMask);
            for (; i <= count - 4; i += 4)
            {
                Vector256<ulong> even = Vector256.Create(Entry(array, indexMask, index, i), Entry(array, indexMask, index, i + 2));
                Vector256<ulong> odd = Vector256.Create(Entry(array, indexMask, index, i + 1), Entry(array, indexMask, index, i + 3));
                Vector256<ulong> iova = Vector256.Load(iovas + i);
                Vector256<ulong> tag = Avx2.UnpackLow(even, odd);
                Vector256<ulong> addend = Avx2.UnpackHigh(even, odd);
                (iova + addend).Store(hosts + i);
                Vector256<ulong> difference = (tag ^ ((iova & page) | keyBits)) & compare;
                if (difference != Vector256<ulong>.Zero)
                {
                    missed = List(~Vector256.Equals(difference, Vector256<ulong>.Zero).ExtractMostSignificantBits() & 0xF, i, misses, missed);
                }
            }
        }
        else if (TIsa.Lanes == 2)
        {
            Vector128<ulong> page = Vector128.Create(terms.PageMask);
            Vector128<ulong> keyBits = Vector128.Create(terms.KeyBits);
            Vector128<ulong> compare = Vector128.Create(terms.CompareMask);
            for (; i <= count - 2; i += 2)
            {
                Vector128<ulong> even = Entry(array, indexMask, index, i);
                Vector128<ulong> odd = Entry(array, indexMask, index, i + 1);
                Vector128<ulong> iova = Vector128.Load(iovas + i);
                Vector128<ulong> tag = Low(even, odd);
                Vector128<ulong> addend = High(even, odd);
                (iova + addend).Store(hosts + i);
                Vector128<ulong> difference = (tag ^ ((iova & page) | keyBits)) & compare;
                if (difference != Vector128<ulong>.Zero)
                {
                    missed = List(~Vector128.Equals(difference, Vector128<ulong>.Zero).ExtractMostSignificantBits() & 0x3, i, misses, missed);
                }
            }
        }

        for (; i < count; i++)
        {
            var entry = (TlbEntry*)(array + (*(ushort*)(index + (i * sizeof(ulong))) & indexMask));
            ulong iova = iovas[i];
            hosts[i] = iova + entry->Addend;
            ulong difference = (entry->Tag ^ ((iova & terms.PageMask) | terms.KeyBits)) & terms.CompareMask;
            misses[missed & (BatchLimit - 1)] = (byte)i;
            missed += difference != 0 ? 1 : 0;
        }

        return missed;
    }

    // Two bytes of the address, masked, are the offset of its entry: one load and one AND for each look-up, where a 64-bit
    // load, a shift and an AND would make the loop wait for the decoders.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Entry(byte* array, int indexMask, byte* index, int i) =>
        Vector128.LoadAligned((ulong*)(array + (*(ushort*)(index + (i * sizeof(ulong))) & indexMask)));

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

    // A call in the loop would spill its vectors; this is inlined and adds only to its cold side.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int List(ulong lanes, int first, byte* misses, int missed)
    {
        do
        {
            misses[missed++] = (byte)(first + BitOperations.TrailingZeroCount(lanes));
            lanes &= lanes - 1;
        }
        while (lanes != 0);
        return missed;
    }
}
