using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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

        // SAFETY (all methods): the caller's lists are as long as each other; a group lies in them and in words.
        fixed (ulong* from = iovas, to = hosts)
        {
            // A list of one group is checked and written with its words at hand. A longer one is checked whole before its
            // first word is written (P2), and found again group by group.
            if (iovas.Length <= GroupPages)
            {
                MapStatus status = Find(from, to, iovas.Length, words);
                return status == MapStatus.Success ? Write(from, to, 0, iovas.Length, words, permission) : status;
            }

            for (int start = 0; start < iovas.Length; start += GroupPages)
            {
                MapStatus status = Find(from + start, to + start, Math.Min(GroupPages, iovas.Length - start), words);
                if (status != MapStatus.Success)
                {
                    return status;
                }
            }

            for (int start = 0; start < iovas.Length; start += GroupPages)
            {
                int end = Math.Min(start + GroupPages, iovas.Length);
                Locate(iovas[start..end], words);
                MapStatus status = Write(from, to, start, end, words, permission);
                if (status != MapStatus.Success)
                {
                    return status;
                }
            }
        }

        return MapStatus.Success;
    }

    /// <summary>Checks a group and finds its words; their lines are on the way while the next are looked for.</summary>
    private MapStatus Find(ulong* iovas, ulong* hosts, int count, ulong** words)
    {
        if (!ObeysRules(iovas, hosts, count))
        {
            return FindOneByOne(iovas, hosts, count, words);
        }

        // The root covers every address of the aperture. What is no table gives a place that nobody reads.
        ulong* root = _root;
        ulong tables = PtWord.Table;
        for (int i = 0; i < count; i++)
        {
            ulong iova = iovas[i];
            ulong entry = root[iova >> RootShift];
            tables &= entry;
            ulong* word = Leaf(new PtWord(entry)) + LeafIndex(iova);
            Prefetch.ToL1(word);
            words[i] = word;
        }

        if (tables == 0)
        {
            return FindOneByOne(iovas, hosts, count, words);
        }

        ulong occupied = 0;
        for (int i = 0; i < count; i++)
        {
            occupied |= *words[i];
        }

        return occupied == 0 ? MapStatus.Success : MapStatus.Overlap;
    }

    /// <summary>Whether every address of a group is aligned, inside the aperture and has host memory; what is mapped is not asked.</summary>
    private bool ObeysRules(ulong* iovas, ulong* hosts, int count)
    {
        ulong first = Aperture.First;
        ulong reach = Aperture.Last - first;
        Vector512<ulong> misaligned = default;
        Vector512<ulong> bad = default;
        int i = 0;
        for (; i <= count - Vector512<ulong>.Count; i += Vector512<ulong>.Count)
        {
            Vector512<ulong> iova = Vector512.Load(iovas + i);
            Vector512<ulong> host = Vector512.Load(hosts + i);
            misaligned |= iova | host;
            bad |= Vector512.GreaterThan(iova - Vector512.Create(first), Vector512.Create(reach)) | Vector512.Equals(host, Vector512<ulong>.Zero);
        }

        ulong rest = 0;
        bool good = bad == Vector512<ulong>.Zero;
        for (; i < count; i++)
        {
            rest |= iovas[i] | hosts[i];
            good &= iovas[i] - first <= reach && hosts[i] != 0;
        }

        Vector512<ulong> offset = Vector512.Create(GranuleBytes - 1);
        return good && (misaligned & offset) == Vector512<ulong>.Zero && (rest & (GranuleBytes - 1)) == 0;
    }

    /// <summary>Checks a group page by page and links the leaf tables that are missing.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private MapStatus FindOneByOne(ulong* iovas, ulong* hosts, int count, ulong** words)
    {
        ulong offset = GranuleBytes - 1;
        ulong misaligned = 0;
        ulong occupied = 0;
        for (int i = 0; i < count; i++)
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

        for (int i = 0; i < count; i++)
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

    /// <summary>Writes the words of the group from <paramref name="start"/> to <paramref name="end"/>; takes the whole list back when an address stands in it twice.</summary>
    private MapStatus Write(ulong* iovas, ulong* hosts, int start, int end, ulong** words, Permission permission)
    {
        ulong flags = PtWord.Leaf(0, permission);
        ushort* live = _live;
        words -= start;
        for (int i = start; i < end; i++)
        {
            ulong* word = words[i];
            if (*word != 0)
            {
                TakeBack(new ReadOnlySpan<ulong>(iovas, i));
                return MapStatus.Overlap;
            }

            // Release: as in Map.
            Volatile.Write(ref *word, hosts[i] | flags);
            live[iovas[i] >> RootShift]++;
        }

        MappedBytes += (ulong)(end - start) << TFormat.GranuleLg2;
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
