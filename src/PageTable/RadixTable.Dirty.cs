namespace FastIova;

// SAFETY: root indices come from spans inside the aperture, which the root covers; leaf pointers come from table words.
internal sealed unsafe partial class RadixTable<TFormat>
{
    internal override bool MarkDirty(ulong iova)
    {
        if ((iova & _beyond) != 0)
        {
            return false;
        }

        ref ulong root = ref _root[iova >> RootShift];
        var word = new PtWord(Volatile.Read(ref root));
        return word.IsTable ? WordChange.MarkDirty(ref Leaf(word)[LeafIndex(iova)]) : WordChange.MarkDirty(ref root);
    }

    /// <inheritdoc cref="PageTable.ScanDirty"/>
    internal void Scan<TSink>(IovaSpan span, bool clear, ref TSink sink)
        where TSink : IDirtySink, allows ref struct
    {
        ulong rootLast = Math.Min(span.Last, Aperture.Last) >> RootShift;
        for (ulong rootIndex = NextRoot(span.First >> RootShift, rootLast); rootIndex <= rootLast; rootIndex = NextRoot(rootIndex + 1, rootLast))
        {
            bool covered = rootIndex << RootShift >= span.First && ((rootIndex << RootShift) | LargeMask) <= span.Last;
            var root = new PtWord(_root[rootIndex]);
            if (root.IsLarge && root.IsDirty && clear && !covered && TrySplit(rootIndex))
            {
                // What lies outside the span was not reported and stays dirty.
                root = new PtWord(_root[rootIndex]);
            }

            if (root.IsLarge)
            {
                // Without memory for a split the page is reported again, rather than lost.
                if (WordChange.TakeDirty(ref _root[rootIndex], clear && covered))
                {
                    sink.Add(rootIndex << RootShift, RootShift);
                }
            }
            else if (_live[rootIndex] != 0)
            {
                LeafRange(span, rootIndex, out ulong indexFirst, out ulong indexLast);
                ulong* leaf = Leaf(root);
                for (ulong i = indexFirst; i <= indexLast; i++)
                {
                    if (WordChange.TakeDirty(ref leaf[i], clear))
                    {
                        sink.Add((rootIndex << RootShift) + (i << TFormat.GranuleLg2), TFormat.GranuleLg2);
                    }
                }
            }
        }
    }
}
