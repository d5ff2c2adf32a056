namespace FastIova;

/// <summary>A mock device as an object of a context: whoever destroys it detaches and unbinds the device.</summary>
internal sealed class MockObject : UapiObject
{
    private DeviceObject? _device;

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
    /// <param name="pasid">For which accesses.</param>
    internal Errno Attach(ref uint id, uint pasid = DeviceObject.NoPasid) => _device!.Attach(ref id, pasid);

    /// <summary>Attaches the device elsewhere.</summary>
    /// <param name="id">In, an ioas or hwpt; out, the hwpt.</param>
    /// <param name="pasid">For which accesses.</param>
    internal Errno Replace(ref uint id, uint pasid = DeviceObject.NoPasid) => _device!.Replace(ref id, pasid);

    /// <summary>Detaches the device; does nothing when it is not attached.</summary>
    /// <param name="pasid">For which accesses.</param>
    internal void Detach(uint pasid) => _device!.Detach(pasid);

    /// <summary>What the hardware is attached to.</summary>
    /// <param name="pasid">For which accesses.</param>
    internal HardwareDomain? DomainOf(uint pasid) => _device!.Hardware.Group.HandleOf(pasid)?.Domain;

    /// <summary>Undoes whatever was done.</summary>
    internal void End()
    {
        _device?.DetachAll();
        _device?.Unbind();
        _device = null;
    }

    internal override void Destroy() => End();
}
