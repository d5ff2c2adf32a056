namespace FastIova;

/// <summary>A device of a guest behind its virtual IOMMU, as an object of a context.</summary>
/// <remarks>
/// <para>It is a user of the virtual IOMMU, and holds the bound device for as long as it lives. A device that is unbound takes it away
/// from its user by force; its id is then a tombstone (<see cref="ObjectTable"/>, T3).</para>
/// <para>Lock: it is made and ended under the lock of the device's group, which guards <see cref="DeviceObject.Virtual"/>.</para>
/// </remarks>
internal sealed class VdeviceObject : UapiObject
{
    private readonly ViommuObject _viommu;
    private readonly DeviceObject _device;
    private readonly ulong _virtualId;
    private VirtualDevice? _driver;
    private bool _hasNumber;

    private VdeviceObject(ViommuObject viommu, DeviceObject device, ulong virtualId)
        : base(viommu.Context, ObjectKind.VirtualDevice)
    {
        _viommu = viommu;
        _device = device;
        _virtualId = virtualId;
    }

    /// <summary>Makes one, reserved. The lock of the device's group is held until it is published or aborted.</summary>
    /// <param name="viommu">Held by the caller.</param>
    /// <param name="device">Held by the caller, who gives its hold away once the object is published.</param>
    /// <param name="virtualId">What the guest calls the device.</param>
    /// <param name="vdevice">To be published or aborted, on success.</param>
    internal static Errno Create(ViommuObject viommu, DeviceObject device, ulong virtualId, out VdeviceObject? vdevice)
    {
        vdevice = null;
        if (device.IsEnding || device.Virtual is not null)
        {
            return device.IsEnding ? Errno.NotFound : Errno.AlreadyExists;
        }

        var newcomer = new VdeviceObject(viommu, device, virtualId);
        Errno errno = viommu.Context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            return errno;
        }

        viommu.AddUser();
        device.Virtual = newcomer;
        errno = newcomer.Begin();
        if (errno != Errno.Success)
        {
            viommu.Context.Objects.Abort(newcomer);
            return errno;
        }

        vdevice = newcomer;
        return Errno.Success;
    }

    internal override void Destroy()
    {
        using (_device.GroupLock.Enter())
        {
            End();
        }

        // Whoever unbinds the device waits for this.
        _device.LetGo();
    }

    // The maker has the lock, and its hold of the device.
    internal override void Abort() => End();

    private Errno Begin()
    {
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        VirtualDevices devices = _viommu.Driver.Devices;
        _hasNumber = devices.TryReserve(_virtualId);
        if (!_hasNumber)
        {
            return Errno.AlreadyExists;
        }

        Errno errno = _viommu.Driver.CreateDevice(_device.Hardware, _virtualId, out _driver);
        if (errno == Errno.Success)
        {
            devices.Accept(_driver!);
        }

        return errno;
    }

    private void End()
    {
        _driver?.Free();
        if (_hasNumber)
        {
            _viommu.Driver.Devices.Release(_virtualId);
        }

        _viommu.RemoveUser();
        _device.Virtual = null;
    }
}
