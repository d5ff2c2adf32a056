namespace FastIova;

/// <summary>A device of this process that is bound to a context: its port goes where the device is attached to.</summary>
/// <remarks>
/// <para>It keeps the context, also when that is disposed. Threads: any, but <see cref="Dispose"/> comes last.</para>
/// <para>Teardown: <see cref="Dispose"/> detaches and unbinds; it never fails. The port stays open.</para>
/// </remarks>
public sealed class IommufdDevice : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PortDevice _hardware;
    private readonly DeviceObject _device;
    private bool _isAttached;
    private bool _isDisposed;

    internal IommufdDevice(PortDevice hardware, DeviceObject device)
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
    public HwptId Attach(IoasId ioas) => Attach(ioas.Number);

    /// <summary>Attaches the device to an hwpt. A device that is attached moves without a moment in between.</summary>
    /// <param name="hwpt">The hwpt.</param>
    /// <exception cref="IommufdException">ENOENT, EINVAL when it does not fit the device, EADDRINUSE.</exception>
    public void Attach(HwptId hwpt) => Attach(hwpt.Number);

    /// <summary>Detaches the device. When this returns it has no access to anything.</summary>
    /// <returns>False when it was not attached.</returns>
    public bool Detach()
    {
        lock (_lock)
        {
            bool was = _isAttached;
            if (was)
            {
                _device.Detach();
                _isAttached = false;
            }

            return was;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                Detach();
                _device.Unbind();
                _hardware.Group.Remove(_hardware);
            }
        }
    }

    private HwptId Attach(uint target)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            uint id = target;
            Errno errno = _isAttached ? _device.Replace(ref id) : _device.Attach(ref id);
            if (errno != Errno.Success)
            {
                throw new IommufdException("Attach", errno);
            }

            _isAttached = true;
            return new HwptId(id);
        }
    }
}
