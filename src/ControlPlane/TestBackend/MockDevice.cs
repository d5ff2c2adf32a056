using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A device that is nothing but an attachment: it never accesses memory by itself.</summary>
internal sealed class MockDevice : HardwareDevice
{
    // All mock devices are behind one IOMMU: a domain of one fits the others.
    private static readonly object MockIommu = new();

    private static readonly byte[] TestInfo =
        MemoryMarshal.AsBytes([new TestHwInfo { TestReg = TestConstants.HwInfoRegister }]).ToArray();

    private readonly Iommu _iommu;
    private readonly uint _flags;

    private MockDevice(Iommu iommu, uint flags)
    {
        _iommu = iommu;
        _flags = flags;
    }

    internal override object Iommu => MockIommu;

    internal override bool TracksDirty => (_flags & TestConstants.DeviceNoDirty) == 0;

    internal override bool HasUserPasidTable => true;

    internal override int PasidLog2 => (_flags & TestConstants.DevicePasid) != 0 ? TestConstants.PasidLog2 : 0;

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

        device = new MockDevice(iommu, flags);
        return Errno.Success;
    }

    internal override Errno CreatePaging(HwptAllocFlags flags, in UserData data, out PagingDomain? domain)
    {
        domain = null;
        if ((flags & ~(HwptAllocFlags.NestParent | HwptAllocFlags.DirtyTracking)) != HwptAllocFlags.None || data.Length != 0)
        {
            return Errno.NotSupported;
        }

        bool tracksDirty = (flags & HwptAllocFlags.DirtyTracking) != HwptAllocFlags.None;
        if (tracksDirty && !TracksDirty)
        {
            return Errno.NotSupported;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        domain = new MockDomain(MockIommu, _iommu, (_flags & TestConstants.DeviceHugeIova) != 0) { HasDirtyTracking = tracksDirty };
        return Errno.Success;
    }

    internal override Errno CreateNested(PagingDomain parent, HwptAllocFlags flags, in UserData data, out NestedDomain? domain)
    {
        domain = null;
        if (data.Type != (uint)HwptDataType.Selftest || flags != HwptAllocFlags.None)
        {
            return Errno.NotSupported;
        }

        if (parent is not MockDomain)
        {
            return Errno.Invalid;
        }

        Errno errno = data.Read((uint)HwptDataType.Selftest, sizeof(uint), out TestNestedHwpt settings);
        if (errno == Errno.Success)
        {
            domain = new MockNestedDomain(MockIommu, settings.Iotlb);
        }

        return errno;
    }

    // Only dirty tracking tells mock devices apart.
    internal override Errno Attach(HardwareDomain? domain, HardwareDomain? old) =>
        domain is PagingDomain { HasDirtyTracking: true } && !TracksDirty ? Errno.Invalid : Errno.Success;

    internal override Errno EnablePageFaults() => FaultPoint.Fails() ? Errno.OutOfMemory : Errno.Success;

    internal override void DisablePageFaults()
    {
    }
}
