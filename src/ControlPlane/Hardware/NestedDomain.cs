namespace FastIova;

/// <summary>A domain whose table belongs to a guest and lies in the memory that a <see cref="PagingDomain"/> maps.</summary>
internal abstract class NestedDomain : HardwareDomain
{
    private protected NestedDomain(object iommu)
        : base(iommu)
    {
    }

    /// <summary>Takes translations of the guest's table out of the caches.</summary>
    /// <param name="entries">What to invalidate; none only asks whether the type is known.</param>
    /// <param name="done">How many entries were handled, also on a failure.</param>
    internal abstract Errno Invalidate(in UserDataArray entries, out uint done);
}
