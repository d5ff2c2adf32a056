namespace FastIova;

/// <summary>A device of this process that is bound to a context: its port goes where the device is attached to.</summary>
/// <remarks>
/// <para>It keeps the context, also when that is disposed. Threads: any, but <see cref="Dispose"/> comes last.</para>
/// <para>Teardown: <see cref="Dispose"/> detaches and unbinds; it never fails. The port stays open.</para>
/// </remarks>
public sealed class IommufdDevice : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HardwareDevice _hardware;
    private readonly DeviceObject _device;
    private readonly HashSet<uint> _attached = [];
    private bool _isDisposed;

    internal IommufdDevice(HardwareDevice hardware, DeviceObject device)
    {
        _hardware = hardware;
        _device = device;
    }

    /// <summary>The id of the device in its context, as ioctls carry it.</summary>
    public uint Id => _device.Id;

    /// <summary>Attaches the device to an ioas: to an automatic page table that fits it. A device that is attached moves without a moment in between.</summary>
    /// <param name="ioas">The ioas.</param>
    /// <returns>The hwpt that was found or made.</returns>
    /// <exception cref="IommufdException">ENOENT, or EADDRINUSE when mappings lie where the device has no addresses, or EFAULT or ENOMEM when they cannot be pinned.</exception>
    public HwptId Attach(IoasId ioas) => Attach(ioas.Number, DeviceObject.NoPasid);

    /// <summary>Attaches the device to an hwpt. A device that is attached moves without a moment in between.</summary>
    /// <param name="hwpt">The hwpt.</param>
    /// <exception cref="IommufdException">ENOENT, EINVAL when it does not fit the device, EADDRINUSE.</exception>
    public void Attach(HwptId hwpt) => Attach(hwpt.Number, DeviceObject.NoPasid);

    /// <summary>Attaches one process address space of the device to an hwpt. One that is attached moves without a moment in between.</summary>
    /// <param name="hwpt">An hwpt that was made for PASIDs; the device itself is attached to such a one, too, or to none.</param>
    /// <param name="pasid">The process address space, from 1, below 2 to the power of <see cref="DeviceOptions.PasidLog2"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The device has no such PASID.</exception>
    /// <exception cref="IommufdException">ENOENT, or EINVAL when an hwpt does not fit.</exception>
    public void AttachPasid(HwptId hwpt, uint pasid)
    {
        CheckPasid(pasid);
        Attach(hwpt.Number, pasid);
    }

    /// <summary>Detaches one process address space of the device. When this returns it has no access to anything.</summary>
    /// <param name="pasid">As in <see cref="AttachPasid"/>.</param>
    /// <returns>False when it was not attached.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The device has no such PASID.</exception>
    public bool DetachPasid(uint pasid)
    {
        CheckPasid(pasid);
        return Detach(pasid);
    }

    /// <summary>Detaches the device. When this returns it has no access to anything.</summary>
    /// <returns>False when it was not attached.</returns>
    public bool Detach() => Detach(DeviceObject.NoPasid);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                _device.DetachAll();
                _device.Unbind();
                _hardware.Group.Remove(_hardware);
            }
        }
    }

    private void CheckPasid(uint pasid)
    {
        if (pasid == DeviceObject.NoPasid || pasid >> _hardware.PasidLog2 != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(pasid),
                pasid,
                $"The PASIDs of this device are 1 to {(1u << _hardware.PasidLog2) - 1}: bind it with a larger DeviceOptions.PasidLog2, or attach it without a PASID.");
        }
    }

    private bool Detach(uint pasid)
    {
        lock (_lock)
        {
            bool was = _attached.Remove(pasid);
            if (was)
            {
                _device.Detach(pasid);
            }

            return was;
        }
    }

    private HwptId Attach(uint target, uint pasid)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            uint id = target;
            Errno errno = _attached.Contains(pasid) ? _device.Replace(ref id, pasid) : _device.Attach(ref id, pasid);
            if (errno != Errno.Success)
            {
                throw new IommufdException("Attach", errno);
            }

            _attached.Add(pasid);
            return new HwptId(id);
        }
    }
}
