namespace FastIova;

/// <summary>What devices can be attached to, as the hardware knows it: the half of an hwpt that users do not see.</summary>
/// <remarks>
/// <para>Threads: any. Teardown: <see cref="Free"/> comes once, when no device is attached; it never fails.</para>
/// </remarks>
internal abstract class HardwareDomain
{
    private protected HardwareDomain(object iommu) => Iommu = iommu;

    /// <summary>Who made it; it attaches to devices of the same <see cref="HardwareDevice.Iommu"/> only.</summary>
    internal object Iommu { get; }

    /// <summary>Gives its memory back.</summary>
    internal abstract void Free();
}
