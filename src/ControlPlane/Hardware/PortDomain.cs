namespace FastIova;

/// <summary>A paging domain that ports are attached to: memory of this machine, which is coherent for whoever translates by its table.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class PortDomain(object iommu, Domain table) : PagingDomain(iommu, table)
{
    /// <summary>Whether it was made to enforce coherency: devices behind an IOMMU that cannot are not attached to it.</summary>
    internal bool EnforcesCoherency { get; private set; }

    internal override bool TryEnforceCoherency() => EnforcesCoherency = true;
}
