using System.Runtime.Intrinsics;

namespace FastIova;

/// <summary>Runs of page table words, written and searched with vectors.</summary>
/// <remarks>
/// Every word is written by a naturally aligned 64-bit lane of a vector store. x86-64 and Armv8 hardware never tears such
/// a lane, so a reader finds either the old word or the new one (P1).
/// </remarks>
internal static unsafe class WordFill
{
    /// <summary>Writes an arithmetic series.</summary>
    /// <param name="words">The first word.</param>
    /// <param name="count">How many.</param>
    /// <param name="value">The first value.</param>
    /// <param name="step">Added from word to word.</param>
    internal static void Series(ulong* words, ulong count, ulong value, ulong step)
    {
        // SAFETY: the caller owns [words, words + count).
        ulong* end = words + count;
        while (words < end && ((ulong)words & 63) != 0)
        {
            *words++ = value;
            value += step;
        }

        if (end - words >= 8)
        {
            Vector512<ulong> series = Vector512.Create(value) + (Vector512.CreateSequence(0UL, 1UL) * step);
            Vector512<ulong> stride = Vector512.Create(step * 8);
            ulong* lastGroup = end - 8;
            for (; words <= lastGroup; words += 8)
            {
                series.StoreAligned(words);
                series += stride;
            }

            value = series.ToScalar();
        }

        while (words < end)
        {
            *words++ = value;
            value += step;
        }
    }

    /// <summary>Whether all words are absent.</summary>
    internal static bool IsClear(ulong* words, ulong count)
    {
        // SAFETY: the caller owns [words, words + count), at most one leaf table.
        if (count > 16)
        {
            return !new ReadOnlySpan<ulong>(words, (int)count).ContainsAnyExcept(0UL);
        }

        ulong found = 0;
        for (ulong i = 0; i < count; i++)
        {
            found |= words[i];
        }

        return found == 0;
    }

    /// <summary>Makes all words absent.</summary>
    /// <param name="words">The first word.</param>
    /// <param name="count">How many.</param>
    /// <returns>How many were present.</returns>
    internal static ulong Clear(ulong* words, ulong count)
    {
        // SAFETY: the caller owns [words, words + count). Every lane is an aligned word (P1).
        ulong present = 0;
        ulong* end = words + count;
        if (count >= 8)
        {
            Vector512<ulong> sum = default;
            for (; words <= end - 8; words += 8)
            {
                Vector512<ulong> word = Vector512.Load(words);
                sum += ((word >>> PtWord.PresentLg2) | (word >>> PtWord.RemoteLg2)) & Vector512<ulong>.One;
                Vector512<ulong>.Zero.Store(words);
            }

            present = Vector512.Sum(sum);
        }

        for (; words < end; words++)
        {
            present += ((*words >> PtWord.PresentLg2) | (*words >> PtWord.RemoteLg2)) & 1;
            *words = 0;
        }

        return present;
    }
}
