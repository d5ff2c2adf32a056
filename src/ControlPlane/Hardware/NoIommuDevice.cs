namespace FastIova;

/// <summary>A device before which no IOMMU stands: page tables are made and filled for it, but only to say where an iova lies in memory.</summary>
internal sealed class NoIommuDevice(Engine engine, HardwareGroup? group = null) : HardwareDevice(group)
{
    private static readonly object None = new();

    // Everything that a table of the engine can hold. (Linux 7.3 has a table of 64 bits here.)
    private static readonly DomainOptions Options = new() { Aperture = new IovaSpan(0, (1UL << PhysicalMemory.AddressLg2) - 1), HugePageTables = false };

    internal override object Iommu => None;

    internal override bool IsNoIommu => true;

    internal override Errno CreatePaging(HwptAllocFlags flags, in UserData data, out PagingDomain? domain)
    {
        domain = null;
        if (flags != HwptAllocFlags.None || data.Length != 0)
        {
            return Errno.NotSupported;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        domain = new PagingDomain(Iommu, new Domain(engine.Iommu.Epoch, Options) { Physical = engine.Physical }) { TellsPhysical = true };
        return Errno.Success;
    }

    internal override Errno Attach(HardwareDomain? domain, HardwareDomain? old) => Errno.Success;
}
