namespace FastIova;

/// <summary>A device that no IOMMU stands before: it is attached to an ioas, by an access.</summary>
/// <remarks>Owns: the access. Threads and teardown: as <see cref="VfioBinding"/>.</remarks>
internal sealed class VfioEmulatedBinding : VfioBinding
{
    private readonly EmulatedMemory _memory;
    private readonly AccessObject _access;
    private bool _isAttached;

    private VfioEmulatedBinding(EmulatedMemory memory, AccessObject access)
        : base(access)
    {
        _memory = memory;
        _access = access;
    }

    internal static Errno Open(IommufdContext context, EmulatedMemory memory, out VfioBinding? binding)
    {
        Errno errno = AccessObject.Create(context, memory, pinsPages: true, out AccessObject? access);
        binding = null;
        if (errno == Errno.Success)
        {
            memory.Connect(access!);
            binding = new VfioEmulatedBinding(memory, access!);
        }

        return errno;
    }

    // What it is attached to is the ioas itself: the number that the driver gave stays.
    internal override Errno Attach(ref uint id)
    {
        Errno errno = _isAttached ? _access.Replace(id) : _access.Attach(id);
        _isAttached |= errno == Errno.Success;
        return errno;
    }

    internal override void Detach()
    {
        if (_isAttached)
        {
            _isAttached = false;
            _access.Detach();
        }
    }

    internal override void End()
    {
        Detach();
        _memory.Disconnect();
        _access.End();
    }
}
