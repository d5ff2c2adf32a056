namespace FastIova;

/// <summary>A domain of a mock device: a page table of the engine with pages of half the host's size, which passes for other kinds of table.</summary>
/// <remarks>
/// Neighbouring pages of a program are not neighbours in a kernel's memory, so the real table has entries of 2 KiB only. What
/// would be a larger entry is worked out when somebody asks what was written.
/// </remarks>
internal sealed class MockDomain : PagingDomain
{
    private const ulong CompoundBytes = 2UL << 20;

    private readonly MockTable _table;

    /// <param name="iommu">The mock IOMMU.</param>
    /// <param name="tables">Where the page table comes from.</param>
    /// <param name="table">What it says that it is.</param>
    /// <param name="needsPermission">Whether memory that nobody may access is refused.</param>
    internal MockDomain(object iommu, Iommu tables, MockTable table, bool needsPermission)
        : base(iommu, tables.CreateDomain(OptionsFor(table, needsPermission))) => _table = table;

    internal override ulong PageSizes => _table.PageSizes;

    /// <summary>What iovas, lengths and addresses of checks are aligned to.</summary>
    internal ulong SmallestBytes => _table.SmallestBytes;

    /// <summary>Whether it counts what it is told to mark, and not what it could.</summary>
    internal bool CountsOrders => _table.MarksEntries;

    /// <summary>Marks a granule as written.</summary>
    /// <param name="iova">An iova in it.</param>
    /// <returns>False when nothing is mapped there.</returns>
    internal bool MarkDirty(ulong iova)
    {
        ulong start = iova & ~(SmallestBytes - 1);
        if (!_table.Aperture.Contains(start) || !Table.MarkDirty(start))
        {
            return false;
        }

        if (!_table.MarksEntries && _table != MockTable.Plain)
        {
            MarkHugePage(start);
        }

        return true;
    }

    internal override IoasStatus ReadDirty(Ioas space, ulong iova, ulong length, ulong pageSize, bool clear, DirtyBits sink)
    {
        IoasStatus status = space.CheckDirtyRange(iova, length, pageSize);
        if (!_table.MarksEntries || status != IoasStatus.Success)
        {
            return status == IoasStatus.Success ? base.ReadDirty(space, iova, length, pageSize, clear, sink) : status;
        }

        // Entries that reach across an end are read, and cleared, as a whole; those that begin below the range have no bit in it.
        ulong first = EntryAt(space, iova)?.First ?? iova;
        ulong last = EntryAt(space, iova + (length - 1))?.Last ?? iova + (length - 1);
        IovaSpan told = default;
        return base.ReadDirty(space, first, last - first + 1, SmallestBytes, clear, (start, bytes) =>
        {
            for (ulong at = start; at <= start + (bytes - 1); at = told.Last + 1)
            {
                if (told.LengthLessOne == 0 || !told.Contains(at))
                {
                    told = EntryAt(space, at) ?? IovaSpan.Of(at, SmallestBytes);
                    if (told.First >= iova)
                    {
                        sink(told.First, told.LengthLessOne + 1);
                    }
                }
            }
        });
    }

    private static DomainOptions OptionsFor(MockTable table, bool needsPermission) => new()
    {
        Aperture = table.Aperture,
        Granule = table.Granule,
        LargestPageLg2 = (int)table.Granule,
        HugePageTables = false,
        NeedsPermission = needsPermission,
    };

    private IovaSpan? EntryAt(Ioas space, ulong iova)
    {
        if (space.AreaSpanAt(iova) is not { } area || !Table.TryFrameAt(iova, out Frame frame, out ulong offset, out _))
        {
            return null;
        }

        // Only a huge page, or a dma-buf, is one piece for certain; the next one may be anywhere.
        ulong bytes = space.IsDeviceMemory(iova) || PageChecks.IsCompound(frame) ? CompoundBytes : Frame.PageBytes;
        ulong address = frame.Word + offset;
        ulong before = Math.Min(address & (bytes - 1), iova - area.First);
        ulong after = Math.Min(bytes - 1 - (address & (bytes - 1)), area.Last - iova);
        return _table.EntryAt(new IovaSpan(iova - before, iova + after), iova, address);
    }

    private void MarkHugePage(ulong iova)
    {
        const ulong HugePageBytes = TestConstants.MockPageBytes * 512;
        ulong start = iova & ~(HugePageBytes - 1);
        if (IsHugePage(start, HugePageBytes))
        {
            for (ulong at = start; at < start + HugePageBytes; at += TestConstants.MockPageBytes)
            {
                Table.MarkDirty(at);
            }
        }
    }

    // A kernel maps 1 MiB at once where both sides are aligned and the memory is one piece, which only huge pages are for certain.
    private bool IsHugePage(ulong start, ulong bytes)
    {
        if (!Table.TryFrameAt(start, out Frame first, out ulong offset, out _)
            || ((first.Word + offset) & (bytes - 1)) != 0
            || !PageChecks.IsCompound(first))
        {
            return false;
        }

        for (ulong at = TestConstants.MockPageBytes; at < bytes; at += TestConstants.MockPageBytes)
        {
            if (!Table.TryFrameAt(start + at, out Frame frame, out offset, out _) || frame.Word + offset != first.Word + at)
            {
                return false;
            }
        }

        return true;
    }
}
