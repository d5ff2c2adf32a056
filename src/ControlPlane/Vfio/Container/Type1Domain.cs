namespace FastIova;

/// <summary>A domain of a container of type 1, and the groups that are attached to it.</summary>
/// <param name="Paging">The domain.</param>
/// <param name="EnforcesCoherency">Whether it enforces the coherency of every access; groups that differ in this do not share one.</param>
internal sealed record Type1Domain(PagingDomain Paging, bool EnforcesCoherency)
{
    /// <summary>The groups; never empty while the container has the domain.</summary>
    internal List<VfioGroup> Groups { get; } = [];

    /// <summary>The iovas that it can translate.</summary>
    internal IovaSpan Aperture => Paging.Table.Options.Aperture;

    /// <summary>Whether a group for which another domain would be made can be attached to this one: its IOMMU must reach as far.</summary>
    internal bool Fits(Type1Domain other) => Paging.Iommu == other.Paging.Iommu
        && EnforcesCoherency == other.EnforcesCoherency
        && Paging.Table.Options.Granule == other.Paging.Table.Options.Granule
        && other.Aperture.First <= Aperture.First && Aperture.Last <= other.Aperture.Last;
}
