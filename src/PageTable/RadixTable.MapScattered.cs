namespace FastIova;

// SAFETY: each address is checked against the aperture, which the root covers, before its root word is looked at; leaf pointers
// come from table words, and a group never has more words than the stack has room for.
internal sealed unsafe partial class RadixTable<TFormat>
{
    /// <summary>Enough to overlap the misses of one group, few enough that its words stay in the first-level cache.</summary>
    private const int GroupPages = 64;

    internal override MapStatus MapScattered(ReadOnlySpan<ulong> iovas, ReadOnlySpan<ulong> hosts, Permission permission)
    {
        if (iovas.Length != hosts.Length)
        {
            return MapStatus.LengthsDiffer;
        }

        if (permission is Permission.None or > Permission.ReadWrite)
        {
            return MapStatus.BadPermission;
        }

        ulong** words = stackalloc ulong*[GroupPages];

        // A list of one group is checked and written with its words at hand. A longer one is checked whole before its
        // first word is written (P2), and found again group by group.
        bool one = iovas.Length <= GroupPages;
        for (int start = 0; start < iovas.Length; start += GroupPages)
        {
            int count = Math.Min(GroupPages, iovas.Length - start);
            MapStatus status = Find(iovas.Slice(start, count), hosts.Slice(start, count), words);
            if (status != MapStatus.Success)
            {
                return status;
            }

            if (one)
            {
                return Write(iovas, hosts, words, permission, 0);
            }
        }

        for (int start = 0; start < iovas.Length; start += GroupPages)
        {
            int count = Math.Min(GroupPages, iovas.Length - start);
            Locate(iovas.Slice(start, count), words);
            MapStatus status = Write(iovas[..(start + count)], hosts, words, permission, start);
            if (status != MapStatus.Success)
            {
                return status;
            }
        }

        return MapStatus.Success;
    }

    /// <summary>Checks a group and links its leaf tables; finds its words and their lines are on the way while the next are looked for.</summary>
    private MapStatus Find(ReadOnlySpan<ulong> iovas, ReadOnlySpan<ulong> hosts, ulong** words)
    {
        ulong offset = GranuleBytes - 1;
        ulong misaligned = 0;
        ulong occupied = 0;
        for (int i = 0; i < iovas.Length; i++)
        {
            ulong iova = iovas[i];
            misaligned |= iova | hosts[i];
            if (iova < Aperture.First || (iova | offset) > Aperture.Last)
            {
                return (iova & offset) != 0 ? MapStatus.Misaligned : MapStatus.OutsideAperture;
            }

            if (hosts[i] == 0)
            {
                return MapStatus.HostNotMapped;
            }

            ulong rootIndex = iova >> RootShift;
            var root = new PtWord(_root[rootIndex]);
            if (!root.IsTable)
            {
                if (root.IsLarge)
                {
                    return MapStatus.Overlap;
                }

                if (!TryLinkLeaf(rootIndex))
                {
                    return MapStatus.OutOfMemory;
                }

                root = new PtWord(_root[rootIndex]);
            }

            ulong* word = Leaf(root) + LeafIndex(iova);
            Prefetch.ToL1(word);
            words[i] = word;
        }

        for (int i = 0; i < iovas.Length; i++)
        {
            occupied |= *words[i];
        }

        return (misaligned & offset) != 0 ? MapStatus.Misaligned : occupied != 0 ? MapStatus.Overlap : MapStatus.Success;
    }

    private void Locate(ReadOnlySpan<ulong> iovas, ulong** words)
    {
        for (int i = 0; i < iovas.Length; i++)
        {
            ulong* word = Leaf(new PtWord(_root[iovas[i] >> RootShift])) + LeafIndex(iovas[i]);
            Prefetch.ToL1(word);
            words[i] = word;
        }
    }

    /// <summary>Writes the words of the group that begins at <paramref name="start"/> and ends the list; takes the whole list back when an address stands in it twice.</summary>
    private MapStatus Write(ReadOnlySpan<ulong> iovas, ReadOnlySpan<ulong> hosts, ulong** words, Permission permission, int start)
    {
        ulong flags = PtWord.Leaf(0, permission);
        for (int i = start; i < iovas.Length; i++)
        {
            ulong* word = words[i - start];
            if (*word != 0)
            {
                TakeBack(iovas[..i]);
                return MapStatus.Overlap;
            }

            Volatile.Write(ref *word, hosts[i] | flags);
            _live[iovas[i] >> RootShift]++;
        }

        MappedBytes += (ulong)(iovas.Length - start) << TFormat.GranuleLg2;
        return MapStatus.Success;
    }

    private void TakeBack(ReadOnlySpan<ulong> iovas)
    {
        foreach (ulong iova in iovas)
        {
            ulong rootIndex = iova >> RootShift;
            Volatile.Write(ref Leaf(new PtWord(_root[rootIndex]))[LeafIndex(iova)], 0);
            _live[rootIndex]--;
        }

        // The groups before the last one had been counted.
        MappedBytes -= (ulong)(iovas.Length / GroupPages * GroupPages) << TFormat.GranuleLg2;
    }
}
