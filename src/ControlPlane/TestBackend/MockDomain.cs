namespace FastIova;

/// <summary>A domain of a mock device: a page table of the engine with pages of half the host's size, in a small aperture.</summary>
internal sealed class MockDomain : PagingDomain
{
    private const Granule MockGranule = Granule.Size2K;
    private const ulong HugePageBytes = TestConstants.MockPageBytes * 512;

    private readonly bool _hasHugePages;

    /// <param name="iommu">The mock IOMMU.</param>
    /// <param name="tables">Where the page table comes from.</param>
    /// <param name="hasHugePages">Whether it says that it has pages of 1 MiB.</param>
    internal MockDomain(object iommu, Iommu tables, bool hasHugePages)
        : base(iommu, tables.CreateDomain(Options)) => _hasHugePages = hasHugePages;

    internal override ulong PageSizes => TestConstants.MockPageBytes | (_hasHugePages ? HugePageBytes : 0);

    // Neighbouring pages of a program are not neighbours in a kernel's memory: no large pages, so that dirty marks are of 2 KiB.
    private static DomainOptions Options { get; } = new()
    {
        Aperture = new IovaSpan(TestConstants.ApertureFirst, TestConstants.ApertureLast),
        Granule = MockGranule,
        LargestPageLg2 = (int)MockGranule,
        HugePageTables = false,
    };

    /// <summary>Marks one page of 2 KiB as written, and with it the page of 1 MiB that a kernel would have mapped there.</summary>
    /// <param name="page">Its number, counted from iova 0.</param>
    /// <returns>False when nothing is mapped there.</returns>
    internal bool MarkDirty(ulong page)
    {
        ulong iova = page * TestConstants.MockPageBytes;
        if (page > TestConstants.ApertureLast / TestConstants.MockPageBytes || iova < TestConstants.ApertureFirst || !Table.MarkDirty(iova))
        {
            return false;
        }

        ulong start = iova & ~(HugePageBytes - 1);
        if (_hasHugePages && IsHugePage(start))
        {
            for (ulong at = start; at < start + HugePageBytes; at += TestConstants.MockPageBytes)
            {
                Table.MarkDirty(at);
            }
        }

        return true;
    }

    // A kernel maps 1 MiB at once where both sides are aligned and the memory is one piece, which only huge pages are for certain.
    private bool IsHugePage(ulong start)
    {
        if (!Table.TryFrameAt(start, out Frame first, out ulong offset, out _)
            || ((first.Word + offset) & (HugePageBytes - 1)) != 0
            || !PageChecks.IsCompound(first))
        {
            return false;
        }

        for (ulong at = TestConstants.MockPageBytes; at < HugePageBytes; at += TestConstants.MockPageBytes)
        {
            if (!Table.TryFrameAt(start + at, out Frame frame, out offset, out _) || frame.Word + offset != first.Word + at)
            {
                return false;
            }
        }

        return true;
    }
}
