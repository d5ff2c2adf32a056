namespace FastIova;

/// <summary>An hwpt whose table a guest keeps, in memory that the parent maps.</summary>
internal sealed class NestedHwpt : Hwpt
{
    private readonly PagingHwpt _parent;
    private NestedDomain? _domain;

    private NestedHwpt(PagingHwpt parent, HwptAllocFlags flags)
        : base(parent.Context, ObjectKind.NestedHwpt, flags) => _parent = parent;

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

        var newcomer = new NestedHwpt(parent, flags);
        Errno errno = parent.Context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            return errno;
        }

        parent.AddUser();
        errno = FaultPoint.Fails() ? Errno.OutOfMemory
            : device.Hardware.CreateNested(parent.Domain, flags & ~HwptAllocFlags.FaultIdValid, data, out newcomer._domain);
        if (errno != Errno.Success)
        {
            parent.Context.Objects.Abort(newcomer);
            return errno;
        }

        hwpt = newcomer;
        return Errno.Success;
    }

    internal override void Destroy()
    {
        _domain?.Free();
        LetFaultQueueGo();
        _parent.RemoveUser();
    }
}
