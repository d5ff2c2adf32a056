namespace FastIova;

// SAFETY: PrepareUnmap has checked the span against the aperture, which the root covers; leaf pointers come from table words.
internal sealed unsafe partial class RadixTable<TFormat>
{
    internal override MapStatus Protect(IovaSpan span, Permission permission, out ulong bytes)
    {
        bytes = 0;
        MapStatus status = permission is Permission.None or > Permission.ReadWrite ? MapStatus.BadPermission : PrepareUnmap(span);
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
                WordChange.Protect(ref _root[rootIndex], permission);
                bytes += LargeMask + 1;
            }
            else if (_live[rootIndex] != 0)
            {
                LeafRange(span, rootIndex, out ulong indexFirst, out ulong indexLast);
                ulong* leaf = Leaf(root);
                for (ulong i = indexFirst; i <= indexLast; i++)
                {
                    if (leaf[i] != 0)
                    {
                        WordChange.Protect(ref leaf[i], permission);
                        bytes += GranuleBytes;
                    }
                }
            }
        }

        return MapStatus.Success;
    }
}
