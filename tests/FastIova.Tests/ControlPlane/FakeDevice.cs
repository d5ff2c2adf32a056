namespace FastIova.Tests.ControlPlane;

/// <summary>Hardware that does what the test says, and remembers what it was asked.</summary>
internal sealed class FakeDevice(Engine engine, HardwareGroup? group = null, object? iommu = null) : HardwareDevice(group)
{
    private static readonly object Common = new();

    internal static IovaSpan Aperture { get; } = new(0x10_0000, 0x7fff_ffff);

    /// <summary>What refuses to be attached to; null for nothing.</summary>
    internal Errno AttachAnswer { get; set; }

    /// <summary>Refuses this domain as one that does not fit.</summary>
    internal HardwareDomain? DoesNotFit { get; set; }

    internal Errno FaultsAnswer { get; set; }

    internal HardwareDomain? AttachedTo { get; private set; }

    internal Dictionary<uint, HardwareDomain> PasidsAttachedTo { get; } = [];

    internal int FaultUsers { get; private set; }

    internal List<(PageFault Fault, PageResponseCode Code)> Answers { get; } = [];

    internal List<IovaSpan> Reserved { get; } = [];

    internal bool Coherent { get; init; } = true;

    internal bool Isolated { get; init; } = true;

    internal bool Virtual { get; init; }

    internal bool Dirty { get; init; } = true;

    internal bool Enforces { get; init; }

    internal override object Iommu { get; } = iommu ?? Common;

    internal override bool IsCoherent => Coherent;

    internal override bool HasIsolatedInterrupts => Isolated;

    internal override bool IsVirtualFunction => Virtual;

    internal override bool TracksDirty => Dirty;

    internal override bool EnforcesCoherency => Enforces;

    internal override bool HasUserPasidTable => true;

    internal override int PasidLog2 => 20;

    internal override uint InfoType => 0x1234;

    internal override ReadOnlyMemory<byte> Info { get; } = new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 };

    internal override IReadOnlyList<IovaSpan> ReservedRegions => Reserved;

    internal override Errno CreatePaging(HwptAllocFlags flags, in UserData data, out PagingDomain? domain)
    {
        domain = null;
        if (data.Length != 0)
        {
            return Errno.NotSupported;
        }

        domain = new FakePaging(Iommu, engine.Iommu.CreateDomain(new DomainOptions { Aperture = Aperture, HugePageTables = false }), Enforces)
        {
            HasDirtyTracking = (flags & HwptAllocFlags.DirtyTracking) != HwptAllocFlags.None,
        };
        return Errno.Success;
    }

    internal override Errno CreateNested(PagingDomain parent, HwptAllocFlags flags, in UserData data, out NestedDomain? domain)
    {
        domain = null;
        if (flags != HwptAllocFlags.None || data.Type != 7)
        {
            return Errno.NotSupported;
        }

        Errno errno = data.Read(7, sizeof(uint), out uint value);
        domain = errno == Errno.Success ? new FakeNested(Iommu, value) : null;
        return errno;
    }

    internal override Errno Attach(HardwareDomain? domain, HardwareDomain? old)
    {
        Xunit.Assert.Equal(AttachedTo, old);
        if (domain is not null && (AttachAnswer != Errno.Success || domain == DoesNotFit))
        {
            return AttachAnswer != Errno.Success ? AttachAnswer : Errno.Invalid;
        }

        AttachedTo = domain;
        return Errno.Success;
    }

    internal override Errno AttachPasid(uint pasid, HardwareDomain? domain, HardwareDomain? old)
    {
        Xunit.Assert.Equal(PasidsAttachedTo.GetValueOrDefault(pasid), old);
        if (domain is null)
        {
            PasidsAttachedTo.Remove(pasid);
            return Errno.Success;
        }

        if (AttachAnswer == Errno.Success)
        {
            PasidsAttachedTo[pasid] = domain;
        }

        return AttachAnswer;
    }

    internal override Errno EnablePageFaults()
    {
        FaultUsers += FaultsAnswer == Errno.Success ? 1 : 0;
        return FaultsAnswer;
    }

    internal override void DisablePageFaults() => FaultUsers--;

    internal override void Respond(in PageFault last, PageResponseCode code) => Answers.Add((last, code));
}

internal sealed class FakePaging(object iommu, Domain table, bool enforces) : PagingDomain(iommu, table)
{
    internal override bool TryEnforceCoherency() => enforces;
}

internal sealed class FakeNested(object iommu, uint value) : NestedDomain(iommu)
{
    internal uint Value { get; } = value;

    internal List<uint> Invalidated { get; } = [];

    internal bool IsFreed { get; private set; }

    internal override void Free() => IsFreed = true;

    internal override Errno Invalidate(in UserDataArray entries, out uint done)
    {
        done = 0;
        if (entries.Type != 9)
        {
            return Errno.Invalid;
        }

        while (done < entries.Count)
        {
            Errno errno = entries.Read(done, 9, sizeof(uint), out uint entry);
            if (errno != Errno.Success)
            {
                return errno;
            }

            Invalidated.Add(entry);
            done++;
        }

        return Errno.Success;
    }
}
