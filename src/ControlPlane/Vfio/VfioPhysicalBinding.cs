namespace FastIova;

/// <summary>A device behind an IOMMU: it is attached to an hwpt.</summary>
/// <remarks>Owns: the bound device. Threads and teardown: as <see cref="VfioBinding"/>.</remarks>
internal sealed class VfioPhysicalBinding : VfioBinding
{
    private readonly DeviceObject _bound;
    private readonly HashSet<uint> _pasids = [];
    private bool _isAttached;

    private VfioPhysicalBinding(DeviceObject bound)
        : base(bound) => _bound = bound;

    internal override bool TakesPasids => true;

    internal static Errno Open(IommufdContext context, HardwareDevice hardware, out VfioBinding? binding)
    {
        Errno errno = DeviceObject.Bind(context, hardware, keepsContext: true, out DeviceObject? bound);
        binding = errno == Errno.Success ? new VfioPhysicalBinding(bound!) : null;
        return errno;
    }

    internal override Errno Attach(ref uint id)
    {
        Errno errno = _isAttached ? _bound.Replace(ref id) : _bound.Attach(ref id);
        _isAttached |= errno == Errno.Success;
        return errno;
    }

    internal override void Detach()
    {
        if (_isAttached)
        {
            _isAttached = false;
            _bound.Detach();
        }
    }

    internal override Errno AttachPasid(uint pasid, ref uint id)
    {
        if (_pasids.Contains(pasid))
        {
            return _bound.Replace(ref id, pasid);
        }

        Errno errno = FaultPoint.Fails() ? Errno.OutOfMemory : _bound.Attach(ref id, pasid);
        if (errno == Errno.Success)
        {
            _pasids.Add(pasid);
        }

        return errno;
    }

    internal override void DetachPasid(uint pasid)
    {
        if (_pasids.Remove(pasid))
        {
            _bound.Detach(pasid);
        }
    }

    internal override void End()
    {
        _bound.DetachAll();
        _bound.Unbind();
    }
}
