namespace FastIova;

/// <summary>An hwpt whose table the engine fills with the areas of an ioas.</summary>
/// <remarks>Lock: the hwpts of an ioas are listed under <see cref="IoasObject.HwptLock"/>, which the maker holds until the object is published or aborted.</remarks>
internal sealed class PagingHwpt : Hwpt
{
    private PagingDomain? _domain;
    private bool _isListed;

    private PagingHwpt(IoasObject ioas, HwptAllocFlags flags)
        : base(ioas.Context, ObjectKind.PagingHwpt, flags)
    {
        Ioas = ioas;
        IsNestParent = (flags & HwptAllocFlags.NestParent) != HwptAllocFlags.None;
    }

    /// <summary>Whose areas it maps.</summary>
    internal IoasObject Ioas { get; }

    /// <summary>Whether nested hwpts may be made on it.</summary>
    internal bool IsNestParent { get; }

    /// <summary>Whether it was made for a device that attached to the ioas; it ends with its last device then.</summary>
    internal bool IsAutomatic { get; private set; }

    /// <summary>Whether coherency is enforced.</summary>
    internal bool EnforcesCoherency { get; private set; }

    /// <summary>The domain behind it.</summary>
    internal PagingDomain Domain => _domain!;

    internal override HardwareDomain HardwareDomain => _domain!;

    internal override PagingHwpt Paging => this;

    /// <summary>Makes one, reserved, with everything mapped in it that the ioas has.</summary>
    /// <param name="ioas">Held by the caller, with its lock of hwpts.</param>
    /// <param name="device">For which device.</param>
    /// <param name="flags">As the user gave them.</param>
    /// <param name="data">What the user says.</param>
    /// <param name="attachFor">The PASID that the device is attached for, before the areas are mapped; null not to attach it.</param>
    /// <param name="hwpt">To be published or aborted under the same lock, on success.</param>
    internal static Errno Create(IoasObject ioas, DeviceObject device, HwptAllocFlags flags, in UserData data, uint? attachFor, out PagingHwpt? hwpt)
    {
        hwpt = null;
        HardwareDevice hardware = device.Hardware;
        if (((flags != HwptAllocFlags.None || data.Length != 0) && !hardware.TakesUserDomains)
            || (flags & ~KnownFlags(ioas.Context)) != HwptAllocFlags.None
            || ((flags & HwptAllocFlags.DirtyTracking) != HwptAllocFlags.None && !hardware.TracksDirty)
            || (flags & (HwptAllocFlags.FaultIdValid | HwptAllocFlags.NestParent)) == (HwptAllocFlags.FaultIdValid | HwptAllocFlags.NestParent))
        {
            return Errno.NotSupported;
        }

        var newcomer = new PagingHwpt(ioas, flags);
        Errno errno = ioas.Context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            return errno;
        }

        ioas.AddUser();
        errno = newcomer.Fill(device, flags & ~HwptAllocFlags.FaultIdValid, data, attachFor);
        if (errno != Errno.Success)
        {
            ioas.Context.Objects.Abort(newcomer);
            return errno;
        }

        hwpt = newcomer;
        return Errno.Success;
    }

    /// <summary>Lets the hwpt end with its last device.</summary>
    internal void BecomeAutomatic() => IsAutomatic = true;

    internal override void Destroy()
    {
        if (_isListed)
        {
            using (Ioas.HwptLock.Enter())
            {
                Ioas.Hwpts.Remove(this);
            }

            Ioas.Space.RemoveDomain(Domain.Table);
        }

        End();
    }

    internal override void Abort()
    {
        // The maker holds the lock of the list.
        if (_isListed)
        {
            Ioas.Hwpts.Remove(this);
            Ioas.Space.RemoveDomain(Domain.Table);
        }

        End();
    }

    private static HwptAllocFlags KnownFlags(IommufdContext context) =>
        HwptAllocFlags.NestParent
        | HwptAllocFlags.DirtyTracking
        | (context.Has(UapiChange.PagingFaults) ? HwptAllocFlags.FaultIdValid : HwptAllocFlags.None)
        | (context.Has(UapiChange.PasidHwpts) ? HwptAllocFlags.Pasid : HwptAllocFlags.None);

    private Errno Fill(DeviceObject device, HwptAllocFlags flags, in UserData data, uint? attachFor)
    {
        Errno errno = FaultPoint.Fails() ? Errno.OutOfMemory : device.Hardware.CreatePaging(flags, data, out _domain);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // Before anything is mapped: a table may need to know it for every entry.
        if (device.Hardware.EnforcesCoherency)
        {
            EnforcesCoherency = Domain.TryEnforceCoherency();
            if (!EnforcesCoherency)
            {
                return Errno.Invalid;
            }
        }

        if (attachFor is { } attached)
        {
            errno = device.AttachTo(this, attached);
            if (errno != Errno.Success)
            {
                return errno;
            }
        }

        errno = Ioas.Space.AddDomain(Domain.Table).ToErrno();
        if (errno == Errno.Success)
        {
            Ioas.Hwpts.Add(this);
            _isListed = true;
        }
        else if (attachFor is { } pasid)
        {
            // The user that goes with it needs not be let go: the object is aborted.
            device.DetachFrom(pasid);
        }

        return errno;
    }

    private void End()
    {
        _domain?.Free();
        LetFaultQueueGo();
        Ioas.RemoveUser();
    }
}
