namespace FastIova;

/// <summary>A domain with a page table of the engine: what an ioas fills.</summary>
/// <remarks>Owns: the table. Threads: any.</remarks>
internal class PagingDomain : HardwareDomain
{
    /// <param name="iommu">Who made it.</param>
    /// <param name="table">The page table; disposed by <see cref="Free"/>.</param>
    internal PagingDomain(object iommu, Domain table)
        : base(iommu) => Table = table;

    /// <summary>The page table.</summary>
    internal Domain Table { get; }

    /// <summary>Whether dirty tracking can be turned on (the kernel's dirty_ops); asked for when the domain was made.</summary>
    internal bool HasDirtyTracking { get; init; }

    /// <summary>Whether it stands before no device, and only says where an iova lies in memory.</summary>
    internal bool TellsPhysical { get; init; }

    /// <summary>A bit for each size of page.</summary>
    internal virtual ulong PageSizes => Table.Table.Sizes.Bitmap;

    /// <summary>Makes the domain enforce the coherency of every access.</summary>
    /// <returns>False when it cannot.</returns>
    internal virtual bool TryEnforceCoherency() => false;

    /// <summary>Reads which pages were written: see <see cref="Ioas.ReadDirty"/>. A table that knows it by larger entries says more.</summary>
    internal virtual IoasStatus ReadDirty(Ioas space, ulong iova, ulong length, ulong pageSize, bool clear, DirtyBits sink) =>
        space.ReadDirty(Table, iova, length, pageSize, clear, sink);

    internal override void Free() => Table.Dispose();
}
