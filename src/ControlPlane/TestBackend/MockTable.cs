using System.Numerics;

namespace FastIova;

/// <summary>What kind of table a mock domain says that it has.</summary>
/// <param name="Aperture">The iovas that it can map.</param>
/// <param name="PageSizes">A bit for each size of entry.</param>
/// <param name="MarksEntries">Whether a written page makes its whole entry dirty.</param>
internal sealed record MockTable(IovaSpan Aperture, ulong PageSizes, bool MarksEntries)
{
    private const ulong HugePageBytes = TestConstants.MockPageBytes * 512;
    private const int AmdBits = 38;

    private static readonly IovaSpan Small = new(TestConstants.ApertureFirst, TestConstants.ApertureLast);

    /// <summary>That of 6.12: entries of 2 KiB.</summary>
    internal static MockTable Plain { get; } = new(Small, TestConstants.MockPageBytes, MarksEntries: false);

    /// <summary>That of a device with the flag for huge pages in 6.12: 1 MiB, too.</summary>
    internal static MockTable PlainHuge { get; } = new(Small, TestConstants.MockPageBytes | HugePageBytes, MarksEntries: false);

    /// <summary>The default since: entries of any power of two as they have on an AMD IOMMU, from 2 KiB to 64 GiB.</summary>
    internal static MockTable Amd { get; } = new(Small, (1UL << 37) - TestConstants.MockPageBytes, MarksEntries: true);

    /// <summary>The other kind since: entries of 4 KiB and 1 MiB, in all iovas that three levels reach.</summary>
    internal static MockTable AmdHuge { get; } = new(new IovaSpan(0, (1UL << AmdBits) - 1), Frame.PageBytes | HugePageBytes, MarksEntries: true);

    /// <summary>The smallest entry, which everything is aligned to.</summary>
    internal ulong SmallestBytes => PageSizes & (~PageSizes + 1);

    /// <summary>The same as a granule.</summary>
    internal Granule Granule => (Granule)BitOperations.TrailingZeroCount(PageSizes);

    /// <summary>The entry that maps an iova: as large as both sides, and the memory in one piece, allow.</summary>
    /// <param name="piece">The iovas round it that one piece of memory lies behind.</param>
    /// <param name="iova">One of them.</param>
    /// <param name="address">The address behind it.</param>
    internal IovaSpan EntryAt(IovaSpan piece, ulong iova, ulong address)
    {
        ulong shift = iova ^ address;
        for (ulong sizes = PageSizes; sizes != 0;)
        {
            ulong size = 1UL << BitOperations.Log2(sizes);
            sizes ^= size;
            ulong first = iova & ~(size - 1);
            if ((shift & (size - 1)) == 0 && first >= piece.First && first + (size - 1) <= piece.Last)
            {
                return new IovaSpan(first, first + (size - 1));
            }
        }

        return IovaSpan.Of(iova & ~(SmallestBytes - 1), SmallestBytes);
    }
}
