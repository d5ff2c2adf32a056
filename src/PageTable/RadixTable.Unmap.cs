using System.Runtime.CompilerServices;

namespace FastIova;

internal sealed unsafe partial class RadixTable<TFormat>
{
    // The longest list of single granules whose words are found before the first is cleared.
    private const int ListMost = 256;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal override MapStatus Unmap(IovaSpan span, out ulong bytes)
    {
        // One granule under a leaf table; the rest goes the long way.
        ulong offset = GranuleBytes - 1;
        if (((span.First & offset) | (span.LengthLessOne ^ offset)) == 0 && span.First - _singleFirst <= _singleReach)
        {
            ulong rootIndex = span.First >> RootShift;
            var root = new PtWord(_root[rootIndex]);
            if (root.IsTable)
            {
                ulong* word = Leaf(root) + LeafIndex(span.First);
                bytes = 0;
                if (*word != 0)
                {
                    Volatile.Write(ref *word, 0);
                    _live[rootIndex]--;
                    MappedBytes -= GranuleBytes;
                    bytes = GranuleBytes;
                }

                return MapStatus.Success;
            }
        }

        return UnmapSpan(span, out bytes);
    }

    internal override MapStatus UnmapList(ReadOnlySpan<IovaSpan> spans, out ulong bytes, out int refused)
    {
        if (spans.Length == 1)
        {
            MapStatus status = Unmap(spans[0], out bytes);
            refused = status == MapStatus.Success ? 1 : 0;
            return status;
        }

        // SAFETY: only a list that is not longer finds its words here.
        ulong** words = stackalloc ulong*[ListMost];
        if (spans.Length > ListMost || !TryFindSingles(spans, words))
        {
            return UnmapRuns(spans, out bytes, out refused);
        }

        refused = spans.Length;
        ulong present = 0;
        for (int i = 0; i < spans.Length; i++)
        {
            // Holes too are written: a branch would be mispredicted, and the line is here.
            ulong* word = words[i];
            ulong isPresent = *word != 0 ? 1UL : 0;
            Volatile.Write(ref *word, 0);
            _live[spans[i].First >> RootShift] -= (ushort)isPresent;
            present += isPresent;
        }

        bytes = present << TFormat.GranuleLg2;
        MappedBytes -= bytes;
        return MapStatus.Success;
    }

    /// <summary>A list of a few granules each, as drivers unmap what they send; the rest goes the long way.</summary>
    private MapStatus UnmapRuns(ReadOnlySpan<IovaSpan> spans, out ulong bytes, out int refused)
    {
        ulong offset = GranuleBytes - 1;
        foreach (ref readonly IovaSpan span in spans)
        {
            // SAFETY: masked, the address lies under the root wherever it is.
            ulong rootIndex = (span.First & ~_beyond) >> RootShift;
            bool fits = ((span.First | (span.Last + 1)) & offset) == 0
                && span.First >= Aperture.First
                && span.Last <= Aperture.Last
                && span.Last >> RootShift == rootIndex
                && new PtWord(_root[rootIndex]).IsTable;
            if (!fits)
            {
                return base.UnmapList(spans, out bytes, out refused);
            }
        }

        refused = spans.Length;
        ulong present = 0;
        foreach (ref readonly IovaSpan span in spans)
        {
            ulong rootIndex = span.First >> RootShift;
            ulong cleared = WordFill.Clear(Leaf(new PtWord(_root[rootIndex])) + LeafIndex(span.First), (span.LengthLessOne >> TFormat.GranuleLg2) + 1);
            _live[rootIndex] -= (ushort)cleared;
            present += cleared;
        }

        bytes = present << TFormat.GranuleLg2;
        MappedBytes -= bytes;
        return MapStatus.Success;
    }

    internal override MapStatus PrepareUnmap(IovaSpan span)
    {
        MapStatus status = Check(span);
        return status == MapStatus.Success ? SplitEnds(span) : status;
    }

    /// <summary>Whether every span is one granule inside the aperture whose leaf table is there; their lines are then on the way.</summary>
    private bool TryFindSingles(ReadOnlySpan<IovaSpan> spans, ulong** words)
    {
        ulong offset = GranuleBytes - 1;
        for (int i = 0; i < spans.Length; i++)
        {
            IovaSpan span = spans[i];
            if (((span.First & offset) | (span.LengthLessOne ^ offset)) != 0 || span.First - _singleFirst > _singleReach)
            {
                return false;
            }

            // SAFETY: the root covers the aperture.
            var root = new PtWord(_root[span.First >> RootShift]);
            if (!root.IsTable)
            {
                return false;
            }

            words[i] = Leaf(root) + LeafIndex(span.First);
            Prefetch.ToL1(words[i]);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private MapStatus UnmapSpan(IovaSpan span, out ulong bytes)
    {
        // Granules below one leaf table have no large page to split.
        ulong rootFirst = span.First >> RootShift;
        if (rootFirst == span.Last >> RootShift && Check(span) == MapStatus.Success && new PtWord(_root[rootFirst]).IsTable)
        {
            ulong present = WordFill.Clear(Leaf(new PtWord(_root[rootFirst])) + LeafIndex(span.First), (span.LengthLessOne >> TFormat.GranuleLg2) + 1);
            _live[rootFirst] -= (ushort)present;
            bytes = present << TFormat.GranuleLg2;
            MappedBytes -= bytes;
            return MapStatus.Success;
        }

        bytes = 0;
        MapStatus status = PrepareUnmap(span);
        if (status != MapStatus.Success)
        {
            return status;
        }

        ulong rootLast = span.Last >> RootShift;
        for (ulong rootIndex = NextRoot(span.First >> RootShift, rootLast); rootIndex <= rootLast; rootIndex = NextRoot(rootIndex + 1, rootLast))
        {
            var root = new PtWord(_root[rootIndex]);
            if (root.IsLarge)
            {
                DemoteUnlessCovered(span, rootIndex, root);
                Volatile.Write(ref _root[rootIndex], 0);
                bytes += LargeMask + 1;
            }
            else if (_live[rootIndex] != 0)
            {
                LeafRange(span, rootIndex, out ulong indexFirst, out ulong indexLast);
                bytes += ClearLeaf(rootIndex, Leaf(root) + indexFirst, indexLast - indexFirst + 1) << TFormat.GranuleLg2;
            }
        }

        MappedBytes -= bytes;
        return MapStatus.Success;
    }

    private ulong ClearLeaf(ulong rootIndex, ulong* words, ulong count)
    {
        ulong present = WordFill.Clear(words, count);
        _live[rootIndex] -= (ushort)present;
        return present;
    }

    /// <summary>The next root word that may be in use, or one past <paramref name="rootLast"/>.</summary>
    private ulong NextRoot(ulong rootIndex, ulong rootLast)
    {
        while (rootIndex <= rootLast)
        {
            ulong block = _blocks.Next(rootIndex >> BlockLg2, rootLast >> BlockLg2);
            if (block == ulong.MaxValue)
            {
                break;
            }

            rootIndex = Math.Max(rootIndex, block << BlockLg2);
            ulong indexLast = Math.Min(rootLast, (block << BlockLg2) + BlockWords - 1);
            // SAFETY: the words of one block lie in the root.
            int found = new ReadOnlySpan<ulong>(_root + rootIndex, (int)(indexLast - rootIndex + 1)).IndexOfAnyExcept(0UL);
            if (found >= 0)
            {
                return rootIndex + (ulong)found;
            }

            rootIndex = indexLast + 1;
        }

        return rootLast + 1;
    }

    /// <summary>Splits the large pages that lie across the ends of a span, so that the span falls on page boundaries.</summary>
    private MapStatus SplitEnds(IovaSpan span)
    {
        if ((span.First & LargeMask) != 0 && !TrySplit(span.First >> RootShift))
        {
            return MapStatus.OutOfMemory;
        }

        return ((span.Last + 1) & LargeMask) != 0 && !TrySplit(span.Last >> RootShift) ? MapStatus.OutOfMemory : MapStatus.Success;
    }

    /// <summary>Replaces a large page by a leaf table that says the same; readers find one or the other.</summary>
    private bool TrySplit(ulong rootIndex)
    {
        var large = new PtWord(_root[rootIndex]);
        if (!large.IsLarge)
        {
            return true;
        }

        ulong* frame = _arena.TryTake();
        if (frame == null)
        {
            return false;
        }

        Demote(rootIndex);
        ulong leaf = large.Bits & ~(PtWord.Large | PtWord.Huge | PtWord.Dirty);
        WordFill.Series(frame, LeafWords, leaf, GranuleBytes);
        _live[rootIndex] = (ushort)LeafWords;

        // Full exchange: pairs with the compare-exchange by which a reader marks the large page dirty; otherwise a mark made
        // in between would be lost.
        var old = new PtWord(Interlocked.Exchange(ref _root[rootIndex], (ulong)frame | PtWord.Table));
        for (ulong i = 0; old.IsDirty && i < LeafWords; i++)
        {
            Interlocked.Or(ref frame[i], PtWord.Dirty);
        }

        return true;
    }

    private void DemoteUnlessCovered(IovaSpan span, ulong rootIndex, PtWord word)
    {
        ulong hugeMask = (HugeWords << RootShift) - 1;
        ulong first = (rootIndex << RootShift) & ~hugeMask;
        if (word.IsHuge && (first < span.First || (first | hugeMask) > span.Last))
        {
            Demote(rootIndex);
        }
    }

    /// <summary>Takes the huge mark off the large pages that make a huge page (R4).</summary>
    private void Demote(ulong rootIndex)
    {
        if (!new PtWord(_root[rootIndex]).IsHuge)
        {
            return;
        }

        ulong first = rootIndex & ~(HugeWords - 1);
        for (ulong i = first; i < first + HugeWords; i++)
        {
            // Atomic: a reader may mark the same word dirty.
            Interlocked.And(ref _root[i], ~PtWord.Huge);
        }
    }
}
