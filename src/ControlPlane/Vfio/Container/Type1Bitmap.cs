using System.Numerics;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The bitmaps in which type 1 tells written pages: whole words, each entry over what lay there.</summary>
internal static class Type1Bitmap
{
    /// <summary>The most pages that one entry, or one question, can have: 2^31 less one.</summary>
    internal const ulong PagesMost = int.MaxValue;

    /// <summary>The bytes of the longest bitmap.</summary>
    internal const ulong BytesMost = 1UL << 28;

    private const int WordBits = 64;
    private const int WordsAtOnce = 512;

    /// <summary>Checks where a bitmap lies, and that it is long enough.</summary>
    /// <param name="bitmap">As the caller gave it.</param>
    /// <param name="bytes">What it is about.</param>
    internal static Errno Check(in VfioBitmap bitmap, ulong bytes)
    {
        // No size at all counts like one byte, as the processor shifts; it is refused later.
        ulong pages = bytes >> BitOperations.TrailingZeroCount(bitmap.PgSize);
        ulong needed = ((pages + (WordBits - 1)) & ~(ulong)(WordBits - 1)) / 8;
        return UserRange.IsLegal(bitmap.Data, bitmap.Bytes) && pages != 0 && bitmap.Bytes != 0 && bitmap.Bytes <= BytesMost && bitmap.Bytes >= needed
            ? Errno.Success
            : Errno.Invalid;
    }

    /// <summary>Writes the bits of one entry.</summary>
    /// <param name="memory">Whose memory.</param>
    /// <param name="address">Where the bitmap begins.</param>
    /// <param name="firstBit">The bit of the first page.</param>
    /// <param name="pages">How many.</param>
    /// <param name="areWritten">What each bit says.</param>
    /// <returns>False when the memory cannot be written; a part may be then.</returns>
    internal static bool TryWrite(MemorySpace memory, ulong address, ulong firstBit, ulong pages, bool areWritten)
    {
        Span<ulong> words = stackalloc ulong[WordsAtOnce];
        ulong at = address + (firstBit / WordBits * sizeof(ulong));
        int shift = (int)(firstBit % WordBits);
        ulong kept = 0;

        // The word that an entry before this one ends in is kept, whatever stands there.
        if (shift != 0 && !memory.TryRead(at, MemoryMarshal.AsBytes(new Span<ulong>(ref kept))))
        {
            return false;
        }

        ulong left = pages + (ulong)shift;
        while (left != 0)
        {
            int count = (int)Math.Min((left + (WordBits - 1)) / WordBits, WordsAtOnce);
            words[..count].Fill(areWritten ? ulong.MaxValue : 0);
            words[0] = (words[0] << shift) | kept;
            shift = 0;
            ulong bits = Math.Min(left, (ulong)count * WordBits);
            if (bits % WordBits != 0)
            {
                words[count - 1] &= (1UL << (int)(bits % WordBits)) - 1;
            }

            // A whole entry in the word that was kept: what stands behind it is kept, too.
            words[0] |= kept;
            kept = 0;
            if (!memory.TryWrite(at, MemoryMarshal.AsBytes(words[..count])))
            {
                return false;
            }

            at += (ulong)count * sizeof(ulong);
            left -= bits;
        }

        return true;
    }
}
