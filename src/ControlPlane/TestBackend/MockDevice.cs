using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A device that is nothing but an attachment: it never accesses memory by itself.</summary>
internal sealed partial class MockDevice : HardwareDevice
{
    // All mock devices are behind one IOMMU: a domain of one fits the others.
    private static readonly object MockIommu = new();

    private static readonly byte[] TestInfo =
        MemoryMarshal.AsBytes([new TestHwInfo { TestReg = TestConstants.HwInfoRegister }]).ToArray();

    private readonly Iommu _iommu;
    private readonly uint _flags;
    private readonly UapiLevel _level;
    private bool _refusesMagicPasid;

    private MockDevice(Iommu iommu, uint flags, UapiLevel level)
    {
        _iommu = iommu;
        _flags = flags;
        _level = level;
        Array.Fill(_cache, TestConstants.DeviceCacheDefault);
    }

    internal override object Iommu => MockIommu;

    internal override bool TracksDirty => (_flags & TestConstants.DeviceNoDirty) == 0;

    internal override bool HasUserPasidTable => true;

    internal override int PasidLog2 => (_flags & TestConstants.DevicePasid) != 0 ? TestConstants.PasidLog2 : 0;

    // Without the flag its width is zero, which is one PASID: the one that stands for none.
    internal override ulong Pasids => 1UL << PasidLog2;

    internal override uint InfoType => (uint)HwInfoType.Selftest;

    internal override ReadOnlyMemory<byte> Info => TestInfo;

    /// <summary>Makes a device.</summary>
    /// <param name="iommu">Where its page tables come from.</param>
    /// <param name="flags">As the caller gave them.</param>
    /// <param name="level">Which of them exist.</param>
    /// <param name="device">The device.</param>
    internal static Errno Create(Iommu iommu, uint flags, UapiLevel level, out MockDevice? device)
    {
        device = null;
        uint known = TestConstants.DeviceNoDirty
            | (level.Has(UapiChange.MockPasids) ? TestConstants.DevicePasid : 0)
            | (level.Has(UapiChange.MockTableKinds) ? 0 : TestConstants.DeviceHugeIova);
        if ((flags & ~known) != 0)
        {
            return Errno.Invalid;
        }

        // One point for the device, one for what the system keeps of it.
        if (FaultPoint.Fails() || FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        device = new MockDevice(iommu, flags, level);
        return Errno.Success;
    }

    internal override Errno CreatePaging(HwptAllocFlags flags, in UserData data, out PagingDomain? domain)
    {
        domain = null;
        bool picksTable = _level.Has(UapiChange.MockTableKinds);
        if ((flags & ~(HwptAllocFlags.NestParent | HwptAllocFlags.DirtyTracking | HwptAllocFlags.Pasid)) != HwptAllocFlags.None
            || (data.Length != 0 && (!picksTable || data.Type != (uint)HwptDataType.Selftest)))
        {
            return Errno.NotSupported;
        }

        bool tracksDirty = (flags & HwptAllocFlags.DirtyTracking) != HwptAllocFlags.None;
        if (tracksDirty && !TracksDirty)
        {
            return Errno.NotSupported;
        }

        TestNestedHwpt settings = default;
        Errno errno = data.Length == 0 ? Errno.Success : data.Read((uint)HwptDataType.Selftest, TestConstants.NestedHwptSmallestBytes, out settings);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        MockTable? table = !picksTable ? ((_flags & TestConstants.DeviceHugeIova) != 0 ? MockTable.PlainHuge : MockTable.Plain)
            : settings.PagetableType switch
            {
                TestConstants.TableDefault => MockTable.Amd,
                TestConstants.TableHuge => MockTable.AmdHuge,
                _ => null,
            };
        domain = table is null ? null
            : new MockDomain(MockIommu, _iommu, table, _level.Has(UapiChange.VfioMapNeedsPermission)) { HasDirtyTracking = tracksDirty };
        return table is null ? Errno.NotSupported : Errno.Success;
    }

    internal override Errno CreateNested(PagingDomain parent, HwptAllocFlags flags, in UserData data, out NestedDomain? domain)
    {
        domain = null;
        if (data.Type != (uint)HwptDataType.Selftest || (flags & ~HwptAllocFlags.Pasid) != HwptAllocFlags.None)
        {
            return Errno.NotSupported;
        }

        if (parent is not MockDomain)
        {
            return Errno.Invalid;
        }

        TestNestedHwpt settings = default;

        // The kind of table means nothing here, and is no part of the struct before there were kinds.
        Errno errno = !_level.Has(UapiChange.MockTableKinds) && data.Length > TestConstants.NestedHwptSmallestBytes ? Errno.Invalid
            : data.Read((uint)HwptDataType.Selftest, TestConstants.NestedHwptSmallestBytes, out settings);
        if (errno == Errno.Success)
        {
            domain = new MockNestedDomain(MockIommu, settings.Iotlb);
        }

        return errno;
    }

    // Only dirty tracking, and what a guest knows, tells mock devices apart.
    internal override Errno Attach(HardwareDomain? domain, HardwareDomain? old)
    {
        if (domain is PagingDomain { HasDirtyTracking: true } && !TracksDirty)
        {
            return Errno.Invalid;
        }

        return JoinGuest((domain as MockNestedDomain)?.VirtualIommu);
    }

    // One number stands for hardware that fails every second time, so that the roll-back can be tested.
    internal override Errno AttachPasid(uint pasid, HardwareDomain? domain, HardwareDomain? old)
    {
        if (pasid != TestConstants.MagicPasid)
        {
            return Errno.Success;
        }

        bool refuses = domain is not null && _refusesMagicPasid;
        _refusesMagicPasid = domain is not null && !refuses;
        return refuses ? Errno.OutOfMemory : Errno.Success;
    }

    internal override Errno EnablePageFaults() => FaultPoint.Fails() ? Errno.OutOfMemory : Errno.Success;

    internal override void DisablePageFaults()
    {
    }
}
