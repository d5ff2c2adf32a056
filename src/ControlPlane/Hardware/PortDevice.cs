namespace FastIova;

/// <summary>A device whose accesses go through a port: being attached means that the port is.</summary>
internal sealed class PortDevice(Engine engine, DmaPort port, DeviceOptions options, HardwareGroup? group = null) : HardwareDevice(group)
{
    // Page tables that answer with addresses of other processes are of an IOMMU of their own: no other device fits them, nor they it.
    internal override object Iommu => options.Domain.AnswersUserAddresses ? engine.UserAddresses : engine.Iommu;

    internal override bool TracksDirty => true;

    internal override bool EnforcesCoherency => options.EnforcesCoherency;

    internal override int PasidLog2 => options.PasidLog2;

    internal override IReadOnlyList<IovaSpan> ReservedRegions => options.ReservedRegions;

    private DomainOptions Options => options.Domain with { NeedsPermission = options.Domain.NeedsPermission || engine.Options.Level.Has(UapiChange.VfioMapNeedsPermission) };

    internal override Errno CreatePaging(HwptAllocFlags flags, in UserData data, out PagingDomain? domain)
    {
        domain = null;
        if (data.Length != 0)
        {
            return Errno.NotSupported;
        }

        try
        {
            domain = new PortDomain(Iommu, engine.Iommu.CreateDomain(Options))
            {
                HasDirtyTracking = (flags & HwptAllocFlags.DirtyTracking) != HwptAllocFlags.None,
            };
            return Errno.Success;
        }
        catch (OutOfMemoryException)
        {
            return Errno.OutOfMemory;
        }
    }

    internal override Errno Attach(HardwareDomain? domain, HardwareDomain? old) => Attach(Fault.NoPasid, domain);

    internal override Errno AttachPasid(uint pasid, HardwareDomain? domain, HardwareDomain? old) => Attach(pasid, domain);

    private Errno Attach(uint pasid, HardwareDomain? domain)
    {
        switch (domain)
        {
            case null:
                port.Detach(pasid);
                return Errno.Success;

            case PortDomain { EnforcesCoherency: true } when !options.EnforcesCoherency:
                return Errno.Invalid;

            case PagingDomain paging:
                port.Attach(paging.Table, pasid);
                return Errno.Success;

            default:
                return Errno.Invalid;
        }
    }
}
