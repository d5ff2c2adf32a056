namespace FastIova;

/// <summary>
/// A device and the IOMMU before it, as the control plane sees them: what it can do, the domains that are made for it, and
/// being attached. Everything about ids, references, reserved regions and roll-back is done above.
/// </summary>
/// <remarks>
/// <para>Threads: any; the calls that change an attachment come one at a time for each <see cref="Group"/>.</para>
/// <para>Teardown: attaching to nothing never fails.</para>
/// </remarks>
internal abstract class HardwareDevice
{
    /// <param name="group">The devices it cannot be told apart from, or null when it has a group to itself.</param>
    private protected HardwareDevice(HardwareGroup? group = null)
    {
        Group = group ?? new HardwareGroup();
        Group.Add(this);
    }

    /// <summary>The devices that are attached together.</summary>
    internal HardwareGroup Group { get; }

    /// <summary>The IOMMU, or kind of IOMMU: domains of another one do not attach and do not nest.</summary>
    internal abstract object Iommu { get; }

    /// <summary>Whether no IOMMU stands before it: it is bound and attached without asking any, and no table is a matter of its own.</summary>
    internal virtual bool IsNoIommu => false;

    /// <summary>Whether accesses are coherent with the processor; a device without cannot be bound (EINVAL).</summary>
    internal virtual bool IsCoherent => true;

    /// <summary>Whether coherency can be enforced against the device's will.</summary>
    internal virtual bool EnforcesCoherency => false;

    /// <summary>Whether the device's writes cannot raise interrupts of others; a device without cannot be bound (EPERM).</summary>
    internal virtual bool HasIsolatedInterrupts => true;

    /// <summary>Whether written pages can be marked.</summary>
    internal virtual bool TracksDirty => false;

    /// <summary>Whether domains can be made with flags or user data.</summary>
    internal virtual bool TakesUserDomains => true;

    /// <summary>Whether it is a virtual function, which cannot have page faults of its own (EINVAL).</summary>
    internal virtual bool IsVirtualFunction => false;

    /// <summary>Whether a guest owns the table of PASIDs, so that faults with a PASID belong to the nested domain of the device.</summary>
    internal virtual bool HasUserPasidTable => false;

    /// <summary>The width of PASIDs in bits; zero without.</summary>
    internal virtual int PasidLog2 => 0;

    /// <summary>How many PASIDs it knows, the one that stands for none included; zero for a device that has no use for those of its group.</summary>
    internal virtual ulong Pasids => PasidLog2 == 0 ? 0 : 1UL << PasidLog2;

    /// <summary>Whether it may keep translations of its own (PCI ATS).</summary>
    internal virtual bool HasAts => false;

    /// <summary>What GET_HW_INFO says beside dirty tracking and translations of its own, which <see cref="TracksDirty"/> and <see cref="HasAts"/> say.</summary>
    internal virtual HwCapabilities Capabilities => HwCapabilities.None;

    /// <summary>Whose information <see cref="Info"/> is.</summary>
    internal virtual uint InfoType => (uint)HwInfoType.None;

    /// <summary>The information of GET_HW_INFO; empty without.</summary>
    internal virtual ReadOnlyMemory<byte> Info => default;

    /// <summary>The iovas that the device cannot use.</summary>
    internal virtual IReadOnlyList<IovaSpan> ReservedRegions => [];

    /// <summary>Makes an empty paging domain that fits the device.</summary>
    /// <param name="flags">Checked already: no unknown ones, dirty tracking only where <see cref="TracksDirty"/>.</param>
    /// <param name="data">What the user says; its length is zero when it says nothing.</param>
    /// <param name="domain">The domain, on success.</param>
    internal abstract Errno CreatePaging(HwptAllocFlags flags, in UserData data, out PagingDomain? domain);

    /// <summary>Makes a nested domain.</summary>
    /// <param name="parent">Of the same <see cref="Iommu"/>, made to be a parent.</param>
    /// <param name="flags">Without the fault flag.</param>
    /// <param name="data">What the user says; never empty.</param>
    /// <param name="domain">The domain, on success.</param>
    internal virtual Errno CreateNested(PagingDomain parent, HwptAllocFlags flags, in UserData data, out NestedDomain? domain)
    {
        domain = null;
        return Errno.NotSupported;
    }

    /// <summary>Whether guests can have a virtual IOMMU of a type before the device.</summary>
    internal virtual bool KnowsVirtualIommu(uint type) => false;

    /// <summary>Makes a virtual IOMMU.</summary>
    /// <param name="parent">What its nested domains nest on; made to be a parent.</param>
    /// <param name="owner">The control plane.</param>
    /// <param name="data">What the user says, with the type, which <see cref="KnowsVirtualIommu"/>; its length is zero when it says nothing else. The driver answers there, too.</param>
    /// <param name="made">The virtual IOMMU, on success.</param>
    internal virtual Errno CreateVirtualIommu(PagingDomain parent, IVirtualIommuOwner owner, in UserData data, out VirtualIommu? made)
    {
        made = null;
        return Errno.NotSupported;
    }

    /// <summary>Attaches the device. When this returns nothing goes through the old domain any more.</summary>
    /// <param name="domain">Of the same <see cref="Iommu"/>; null blocks every access, and never fails.</param>
    /// <param name="old">What it is attached to now.</param>
    /// <returns><see cref="Errno.Invalid"/> when the domain does not fit the device; an ioas then tries another one. After a failure the old attachment holds.</returns>
    internal abstract Errno Attach(HardwareDomain? domain, HardwareDomain? old);

    /// <summary>Attaches the accesses of the device that have a PASID. When this returns none of them goes through the old domain any more.</summary>
    /// <param name="pasid">The PASID, from 1, below 2 to the power of <see cref="PasidLog2"/>.</param>
    /// <param name="domain">Of the same <see cref="Iommu"/>; null blocks these accesses, and never fails.</param>
    /// <param name="old">What they are attached to now.</param>
    /// <returns>As for <see cref="Attach"/>. Not called without <see cref="PasidLog2"/>.</returns>
    internal virtual Errno AttachPasid(uint pasid, HardwareDomain? domain, HardwareDomain? old) => Errno.NotSupported;

    /// <summary>Lets the device ask for pages; comes before it is attached to a domain with a fault queue.</summary>
    internal virtual Errno EnablePageFaults() => Errno.NoDevice;

    /// <summary>Undoes <see cref="EnablePageFaults"/>. Never fails.</summary>
    internal virtual void DisablePageFaults()
    {
    }

    /// <summary>Answers page requests.</summary>
    /// <param name="last">The last request of the group.</param>
    /// <param name="code">The answer.</param>
    /// <remarks>Called with locks of the fault queue held: only tell the device.</remarks>
    internal virtual void Respond(in PageFault last, PageResponseCode code)
    {
    }

    /// <summary>Reports a page request: it goes to the fault queue of the hwpt, or is answered as invalid.</summary>
    /// <param name="fault">The request.</param>
    /// <returns><see cref="Errno.Invalid"/> when nobody takes faults of this device; it was answered then.</returns>
    /// <remarks>Threads: any.</remarks>
    internal Errno Report(in PageFault fault) => Group.Report(this, fault);
}
