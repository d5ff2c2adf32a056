namespace FastIova;

/// <summary>A mock device as an object of a context: whoever destroys it detaches and unbinds the device.</summary>
internal sealed class MockObject : UapiObject
{
    private DeviceObject? _device;
    private bool _isAttached;

    internal MockObject(IommufdContext context)
        : base(context, ObjectKind.Test)
    {
    }

    /// <summary>The id of the bound device.</summary>
    internal uint DeviceId => _device!.Id;

    /// <summary>Makes the device and binds it.</summary>
    /// <param name="flags">Of the device, as the caller gave them.</param>
    /// <param name="level">Which of them exist.</param>
    internal Errno Bind(uint flags, UapiLevel level)
    {
        Errno errno = MockDevice.Create(Context.Engine.Iommu, flags, level, out MockDevice? hardware);
        return errno == Errno.Success ? DeviceObject.Bind(Context, hardware!, keepsContext: false, out _device) : errno;
    }

    /// <summary>Attaches the device.</summary>
    /// <param name="id">In, an ioas or hwpt; out, the hwpt.</param>
    internal Errno Attach(ref uint id)
    {
        Errno errno = _device!.Attach(ref id);
        _isAttached = errno == Errno.Success;
        return errno;
    }

    /// <summary>Attaches the device elsewhere.</summary>
    /// <param name="id">In, an ioas or hwpt; out, the hwpt.</param>
    internal Errno Replace(ref uint id) => _device!.Replace(ref id);

    /// <summary>Undoes whatever was done.</summary>
    internal void End()
    {
        if (_isAttached)
        {
            _device!.Detach();
        }

        _device?.Unbind();
        _device = null;
    }

    internal override void Destroy() => End();
}
