using System.Runtime.CompilerServices;

namespace FastIova;

// SAFETY: spans are checked against the aperture before a root word is looked at, and the root covers the aperture; leaf
// pointers come from table words, whose frames are this table's until they are detached (P3).
internal sealed unsafe partial class RadixTable<TFormat>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal override MapStatus Map(IovaSpan span, ulong host, Permission permission)
    {
        // One granule whose leaf table is there: a handful of instructions. Whatever is unusual goes the long way.
        ulong offset = GranuleBytes - 1;
        if ((((span.First | host) & offset) | (span.LengthLessOne ^ offset)) == 0
            && span.First - _singleFirst <= _singleReach
            && (uint)permission - 1 <= 2
            && host != 0)
        {
            ulong rootIndex = span.First >> RootShift;
            var root = new PtWord(_root[rootIndex]);
            if (root.IsTable)
            {
                ulong* word = Leaf(root) + LeafIndex(span.First);
                if (*word != 0)
                {
                    return MapStatus.Overlap;
                }

                // Release: pairs with the reader's load of the word; the host memory that the caller prepared is visible
                // to whoever finds the mapping.
                Volatile.Write(ref *word, PtWord.Leaf(host, permission));
                _live[rootIndex]++;
                MappedBytes += GranuleBytes;
                return MapStatus.Success;
            }
        }

        return MapBelowOne(span, host, permission);
    }

    /// <summary>A few granules whose leaf table is there: what drivers map most beside single ones.</summary>
    private MapStatus MapBelowOne(IovaSpan span, ulong host, Permission permission)
    {
        ulong rootIndex = span.First >> RootShift;
        if (span.LengthLessOne >= LargeMask || rootIndex != span.Last >> RootShift || Check(span, host, permission) != MapStatus.Success)
        {
            return MapSpan(span, host, permission);
        }

        var root = new PtWord(_root[rootIndex]);
        if (!root.IsTable)
        {
            return MapSpan(span, host, permission);
        }

        ulong* words = Leaf(root) + LeafIndex(span.First);
        ulong count = (span.LengthLessOne >> TFormat.GranuleLg2) + 1;
        if (!WordFill.IsClear(words, count))
        {
            return MapStatus.Overlap;
        }

        WordFill.Series(words, count, PtWord.Leaf(host, permission), GranuleBytes);
        _live[rootIndex] += (ushort)count;
        MappedBytes += span.LengthLessOne + 1;
        return MapStatus.Success;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private MapStatus MapSpan(IovaSpan span, ulong host, Permission permission)
    {
        MapStatus status = Check(span, host, permission);
        if (status == MapStatus.Success)
        {
            status = Prepare(span, host);
        }

        if (status != MapStatus.Success)
        {
            return status;
        }

        ulong leaf = PtWord.Leaf(host, permission);
        ulong rootFirst = span.First >> RootShift;
        ulong rootLast = span.Last >> RootShift;
        for (ulong rootIndex = rootFirst; rootIndex <= rootLast; rootIndex++)
        {
            LeafRange(span, rootIndex, out ulong indexFirst, out ulong indexLast);
            ulong iova = (rootIndex << RootShift) + (indexFirst << TFormat.GranuleLg2);
            ulong word = leaf + (iova - span.First);
            if (IsLargeHere(span, rootIndex, host))
            {
                ulong run = LargeRun(span, rootIndex, host, out bool huge);
                FillLarge(rootIndex, run, word | PtWord.Large | (huge ? PtWord.Huge : 0));
                rootIndex += run - 1;
            }
            else
            {
                ulong count = indexLast - indexFirst + 1;
                WordFill.Series(Leaf(new PtWord(_root[rootIndex])) + indexFirst, count, word, GranuleBytes);
                _live[rootIndex] += (ushort)count;
            }
        }

        MappedBytes += span.LengthLessOne + 1;
        return MapStatus.Success;
    }

    /// <summary>Finds what stands in the way, and links the leaf tables that the range will need; empty tables change nothing for readers.</summary>
    private MapStatus Prepare(IovaSpan span, ulong host)
    {
        ulong rootFirst = span.First >> RootShift;
        ulong rootLast = span.Last >> RootShift;
        for (ulong rootIndex = rootFirst; rootIndex <= rootLast; rootIndex++)
        {
            var root = new PtWord(_root[rootIndex]);
            if (root.IsLarge)
            {
                return MapStatus.Overlap;
            }

            if (_live[rootIndex] != 0)
            {
                LeafRange(span, rootIndex, out ulong indexFirst, out ulong indexLast);
                if (!WordFill.IsClear(Leaf(root) + indexFirst, indexLast - indexFirst + 1))
                {
                    return MapStatus.Overlap;
                }
            }
        }

        for (ulong rootIndex = rootFirst; rootIndex <= rootLast; rootIndex++)
        {
            if (_root[rootIndex] == 0 && !IsLargeHere(span, rootIndex, host) && !TryLinkLeaf(rootIndex))
            {
                return MapStatus.OutOfMemory;
            }
        }

        return MapStatus.Success;
    }

    /// <summary>Whether the part of a span under a root word becomes a large page: covered whole, aligned on both sides, allowed.</summary>
    private bool IsLargeHere(IovaSpan span, ulong rootIndex, ulong host)
    {
        ulong first = rootIndex << RootShift;
        return ((host ^ span.First) & LargeMask) == 0
            && first >= span.First
            && (first | LargeMask) <= span.Last
            && (Sizes.Bitmap >> RootShift & 1) != 0;
    }

    /// <summary>How many root words from an index on are filled in one go: a huge page, or the large pages up to the next place where one may begin.</summary>
    private ulong LargeRun(IovaSpan span, ulong rootIndex, ulong host, out bool huge)
    {
        ulong covered = ((span.Last - (rootIndex << RootShift)) >> RootShift) + (((span.Last + 1) & LargeMask) == 0 ? 1UL : 0);
        ulong toBoundary = HugeWords - (rootIndex & (HugeWords - 1));
        ulong hugeMask = (HugeWords << RootShift) - 1;
        huge = toBoundary == HugeWords
            && covered >= HugeWords
            && ((host ^ span.First) & hugeMask) == 0
            && (Sizes.Bitmap >> (RootShift + TFormat.HugeLg2) & 1) != 0;
        return Math.Min(covered, toBoundary);
    }

    private void FillLarge(ulong rootIndex, ulong count, ulong word)
    {
        for (ulong i = rootIndex; i < rootIndex + count; i++)
        {
            if (_root[i] != 0)
            {
                DetachLeaf(i);
            }
        }

        for (ulong block = rootIndex >> BlockLg2; block <= (rootIndex + count - 1) >> BlockLg2; block++)
        {
            _blocks.Mark(block);
        }

        WordFill.Series(_root + rootIndex, count, word, LargeMask + 1);
    }

    /// <summary>Takes an empty leaf table out of the root. Readers may still look at its zeros until a grace period has passed.</summary>
    private void DetachLeaf(ulong rootIndex)
    {
        ulong* leaf = Leaf(new PtWord(_root[rootIndex]));
        Volatile.Write(ref _root[rootIndex], 0);
        _detached.Enqueue((nint)leaf);
    }
}
