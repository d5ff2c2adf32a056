namespace FastIova;

/// <summary>An hwpt whose table a guest keeps, in memory that the parent maps.</summary>
/// <remarks>It is a user of what it was made on: the parent, or a virtual IOMMU, which keeps the parent.</remarks>
internal sealed class NestedHwpt : Hwpt
{
    private delegate Errno DomainMaker(in UserData data, out NestedDomain? domain);

    private readonly PagingHwpt _parent;
    private readonly UapiObject _keeper;
    private NestedDomain? _domain;

    private NestedHwpt(PagingHwpt parent, UapiObject keeper, HwptAllocFlags flags)
        : base(parent.Context, ObjectKind.NestedHwpt, flags)
    {
        _parent = parent;
        _keeper = keeper;
    }

    /// <summary>The domain behind it.</summary>
    internal NestedDomain Domain => _domain!;

    internal override HardwareDomain HardwareDomain => _domain!;

    internal override PagingHwpt Paging => _parent;

    /// <summary>Makes one, reserved.</summary>
    /// <param name="parent">Held by the caller.</param>
    /// <param name="device">For which device.</param>
    /// <param name="flags">As the user gave them.</param>
    /// <param name="data">What the user says.</param>
    /// <param name="hwpt">To be published or aborted, on success.</param>
    internal static Errno Create(PagingHwpt parent, DeviceObject device, HwptAllocFlags flags, in UserData data, out NestedHwpt? hwpt)
    {
        hwpt = null;
        HwptAllocFlags known = HwptAllocFlags.FaultIdValid | (device.Context.Has(UapiChange.PasidHwpts) ? HwptAllocFlags.Pasid : HwptAllocFlags.None);
        if ((flags & ~known) != HwptAllocFlags.None || data.Length == 0 || !device.Hardware.TakesUserDomains)
        {
            return Errno.NotSupported;
        }

        if (parent.IsAutomatic || !parent.IsNestParent || parent.Domain.Iommu != device.Hardware.Iommu)
        {
            return Errno.Invalid;
        }

        HardwareDevice hardware = device.Hardware;
        return Create(
            new NestedHwpt(parent, parent, flags),
            (in UserData given, out NestedDomain? domain) => hardware.CreateNested(parent.Domain, flags & ~HwptAllocFlags.FaultIdValid, given, out domain),
            data,
            out hwpt);
    }

    /// <summary>Makes one on a virtual IOMMU, reserved: only devices that its guest knows can be attached to it.</summary>
    /// <param name="viommu">Held by the caller.</param>
    /// <param name="device">Which device asks for it.</param>
    /// <param name="flags">As the user gave them.</param>
    /// <param name="data">What the user says.</param>
    /// <param name="hwpt">To be published or aborted, on success.</param>
    internal static Errno Create(ViommuObject viommu, DeviceObject device, HwptAllocFlags flags, in UserData data, out NestedHwpt? hwpt)
    {
        hwpt = null;
        if (device.Hardware.Iommu != viommu.Iommu)
        {
            return Errno.Invalid;
        }

        if ((flags & ~(HwptAllocFlags.FaultIdValid | HwptAllocFlags.Pasid)) != HwptAllocFlags.None || data.Length == 0)
        {
            return Errno.NotSupported;
        }

        return Create(
            new NestedHwpt(viommu.Parent, viommu, flags),
            (in UserData given, out NestedDomain? domain) => viommu.Driver.CreateNested(flags & ~HwptAllocFlags.FaultIdValid, given, out domain),
            data,
            out hwpt);
    }

    internal override void Destroy()
    {
        _domain?.Free();
        LetFaultQueueGo();
        _keeper.RemoveUser();
    }

    private static Errno Create(NestedHwpt newcomer, DomainMaker make, in UserData data, out NestedHwpt? hwpt)
    {
        hwpt = null;
        ObjectTable objects = newcomer.Context.Objects;
        Errno errno = objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            return errno;
        }

        newcomer._keeper.AddUser();
        errno = FaultPoint.Fails() ? Errno.OutOfMemory : make(data, out newcomer._domain);
        if (errno != Errno.Success)
        {
            objects.Abort(newcomer);
            return errno;
        }

        hwpt = newcomer;
        return Errno.Success;
    }
}
