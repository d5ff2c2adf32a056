namespace FastIova;

internal sealed unsafe partial class RadixTable<TFormat>
{
    internal override int Trim()
    {
        int before = _detached.Count;
        ulong blockLast = Aperture.Last >> (RootShift + BlockLg2);
        for (ulong block = _blocks.Next(0, blockLast); block != ulong.MaxValue; block = _blocks.Next(block + 1, blockLast))
        {
            ulong first = block << BlockLg2;
            bool used = false;
            for (ulong rootIndex = first; rootIndex < first + BlockWords; rootIndex++)
            {
                var root = new PtWord(_root[rootIndex]);
                if (root.IsTable && _live[rootIndex] == 0)
                {
                    DetachLeaf(rootIndex);
                }
                else
                {
                    used |= !root.IsAbsent;
                }
            }

            if (!used)
            {
                // Readers that look meanwhile find zeros before and after.
                _blocks.Unmark(block);
                _rootMemory.Discard(first * sizeof(ulong), BlockWords * sizeof(ulong));
            }
        }

        return _detached.Count - before;
    }

    internal override void ReleaseDetached(ulong detachedEver)
    {
        for (; _releasedEver < detachedEver; _releasedEver++)
        {
            // SAFETY: the caller has waited for the readers since the frame was taken out of the root (P3).
            _arena.Return((ulong*)_detached.Dequeue());
        }

        _arena.Trim();
    }
}
