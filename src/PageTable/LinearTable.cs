using System.Numerics;

namespace FastIova;

/// <summary>
/// The page table without levels: one word per granule over the whole aperture, reserved and touched where it is used.
/// One load per look-up, for 2 MiB of memory per touched GiB and 512 GiB of address space at 48 bits.
/// </summary>
/// <typeparam name="TFormat">The shape; only the granule counts.</typeparam>
/// <remarks>
/// Owns: the words. Invariants beside those of <see cref="PageTable"/>: L1 a word is non-zero only where its block is
/// marked in <c>_blocks</c>.
/// </remarks>
internal sealed unsafe class LinearTable<TFormat> : PageTable
    where TFormat : IPtFormat
{
    /// <summary>The widest aperture: 2^48 bytes take 512 GiB of address space.</summary>
    internal const int WidestLinearLg2 = 48;

    // A block is 2 MiB of words, one huge page of the host.
    private const int BlockLg2 = 18;
    private const ulong BlockWords = 1UL << BlockLg2;

    private readonly VirtualMemory _memory;
    private readonly BlockMap _blocks;
    private readonly ulong* _words;
    private readonly ulong _beyond;

    /// <param name="aperture">The addresses that can be mapped, at most 48 bits.</param>
    /// <param name="hugePages">Whether the words are advised to lie in the host's huge pages.</param>
    internal LinearTable(IovaSpan aperture, bool hugePages)
        : base(aperture, new PageSizes(1UL << TFormat.GranuleLg2))
    {
        int bits = Math.Max(TFormat.GranuleLg2 + BlockLg2, BitOperations.Log2(aperture.Last) + 1);
        _beyond = ~((1UL << bits) - 1);
        ulong words = 1UL << (bits - TFormat.GranuleLg2);
        _memory = VirtualMemory.Reserve(words * sizeof(ulong), hugePages);
        // SAFETY: one word per granule, as long as the table lives.
        _words = (ulong*)_memory.Start;
        _blocks = new BlockMap(words >> BlockLg2);
    }

    internal override int LargeLg2 => TFormat.GranuleLg2 + TFormat.LeafLg2;

    internal override ulong FramesInUse => 0;

    internal override ulong DetachedEver => 0;

    internal override ulong ReleasedEver => 0;

    internal override ulong BytesTouched => _blocks.Count * BlockWords * sizeof(ulong);

    /// <summary>The readers' view.</summary>
    internal LinearWalker<TFormat> Walker => new(_words, _beyond);

    private static ulong GranuleBytes => 1UL << TFormat.GranuleLg2;

    internal override MapStatus Map(IovaSpan span, ulong host, Permission permission)
    {
        MapStatus status = Check(span, host, permission);
        if (status != MapStatus.Success)
        {
            return status;
        }

        ulong first = span.First >> TFormat.GranuleLg2;
        ulong last = span.Last >> TFormat.GranuleLg2;
        if (NextWord(first, last) <= last)
        {
            return MapStatus.Overlap;
        }

        for (ulong block = first >> BlockLg2; block <= last >> BlockLg2; block++)
        {
            _blocks.Mark(block);
        }

        WordFill.Series(_words + first, last - first + 1, PtWord.Leaf(host, permission), GranuleBytes);
        MappedBytes += span.LengthLessOne + 1;
        return MapStatus.Success;
    }

    internal override MapStatus MapScattered(ReadOnlySpan<ulong> iovas, ReadOnlySpan<ulong> hosts, Permission permission)
    {
        if (iovas.Length != hosts.Length)
        {
            return MapStatus.LengthsDiffer;
        }

        for (int i = 0; i < iovas.Length; i++)
        {
            MapStatus status = IovaSpan.TryCreate(iovas[i], GranuleBytes, out IovaSpan span) ? Check(span, hosts[i], permission) : MapStatus.Wraps;
            if (status == MapStatus.Success && _words[iovas[i] >> TFormat.GranuleLg2] != 0)
            {
                status = MapStatus.Overlap;
            }

            if (status != MapStatus.Success)
            {
                return status;
            }
        }

        for (int i = 0; i < iovas.Length; i++)
        {
            ulong index = iovas[i] >> TFormat.GranuleLg2;
            if (_words[index] != 0)
            {
                TakeBack(iovas[..i]);
                return MapStatus.Overlap;
            }

            _blocks.Mark(index >> BlockLg2);
            Volatile.Write(ref _words[index], PtWord.Leaf(hosts[i], permission));
        }

        MappedBytes += (ulong)iovas.Length << TFormat.GranuleLg2;
        return MapStatus.Success;
    }

    internal override MapStatus PrepareUnmap(IovaSpan span) => Check(span);

    internal override MapStatus Unmap(IovaSpan span, out ulong bytes)
    {
        bytes = 0;
        MapStatus status = Check(span);
        if (status != MapStatus.Success)
        {
            return status;
        }

        ulong last = span.Last >> TFormat.GranuleLg2;
        for (ulong index = NextWord(span.First >> TFormat.GranuleLg2, last); index <= last; index = NextWord(index + 1, last))
        {
            Volatile.Write(ref _words[index], 0);
            bytes += GranuleBytes;
        }

        MappedBytes -= bytes;
        return MapStatus.Success;
    }

    internal override MapStatus Protect(IovaSpan span, Permission permission, out ulong bytes)
    {
        bytes = 0;
        MapStatus status = permission is Permission.None or > Permission.ReadWrite ? MapStatus.BadPermission : Check(span);
        if (status != MapStatus.Success)
        {
            return status;
        }

        ulong last = span.Last >> TFormat.GranuleLg2;
        for (ulong index = NextWord(span.First >> TFormat.GranuleLg2, last); index <= last; index = NextWord(index + 1, last))
        {
            WordChange.Protect(ref _words[index], permission);
            bytes += GranuleBytes;
        }

        return MapStatus.Success;
    }

    /// <inheritdoc cref="PageTable.ScanDirty"/>
    internal void Scan<TSink>(IovaSpan span, bool clear, ref TSink sink)
        where TSink : IDirtySink, allows ref struct
    {
        ulong last = Math.Min(span.Last, Aperture.Last) >> TFormat.GranuleLg2;
        for (ulong index = NextWord(span.First >> TFormat.GranuleLg2, last); index <= last; index = NextWord(index + 1, last))
        {
            if (WordChange.TakeDirty(ref _words[index], clear))
            {
                sink.Add(index << TFormat.GranuleLg2, TFormat.GranuleLg2);
            }
        }
    }

    // SAFETY: an address without bits beyond has its word.
    internal override bool MarkDirty(ulong iova) => (iova & _beyond) == 0 && WordChange.MarkDirty(ref _words[iova >> TFormat.GranuleLg2]);

    internal override PtWord Walk(ulong iova, out int pageLg2)
    {
        pageLg2 = TFormat.GranuleLg2;

        // Acquire: pairs with the releases of the writer.
        return (iova & _beyond) != 0 ? default : new PtWord(Volatile.Read(ref _words[iova >> TFormat.GranuleLg2]));
    }

    internal override int Trim()
    {
        ulong blockLast = (Aperture.Last >> TFormat.GranuleLg2) >> BlockLg2;
        for (ulong block = _blocks.Next(0, blockLast); block != ulong.MaxValue; block = _blocks.Next(block + 1, blockLast))
        {
            ulong first = block << BlockLg2;
            if (NextWord(first, first + BlockWords - 1) > first + BlockWords - 1)
            {
                _blocks.Unmark(block);
                _memory.Discard(first * sizeof(ulong), BlockWords * sizeof(ulong));
            }
        }

        return 0;
    }

    internal override void ReleaseDetached(ulong detachedEver)
    {
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _blocks.Dispose();
        _memory.Dispose();
    }

    private void TakeBack(ReadOnlySpan<ulong> iovas)
    {
        foreach (ulong iova in iovas)
        {
            Volatile.Write(ref _words[iova >> TFormat.GranuleLg2], 0);
        }
    }

    /// <summary>The next word that is not absent, or one past <paramref name="last"/>.</summary>
    private ulong NextWord(ulong index, ulong last)
    {
        while (index <= last)
        {
            ulong block = _blocks.Next(index >> BlockLg2, last >> BlockLg2);
            if (block == ulong.MaxValue)
            {
                break;
            }

            index = Math.Max(index, block << BlockLg2);
            ulong indexLast = Math.Min(last, (block << BlockLg2) + BlockWords - 1);
            // SAFETY: the words of one block lie in the table.
            int found = new ReadOnlySpan<ulong>(_words + index, (int)(indexLast - index + 1)).IndexOfAnyExcept(0UL);
            if (found >= 0)
            {
                return index + (ulong)found;
            }

            index = indexLast + 1;
        }

        return last + 1;
    }
}
