namespace FastIova;

/// <summary>An open <c>/dev/vfio/vfio</c> as VFIO's own container: groups join it, and the first may set what translates for all of them.</summary>
/// <remarks>
/// <para>Owns: what it is set to. Groups keep it: a container whose file is closed goes on for them.</para>
/// <para>Invariants. C1: it is set to something only while it has groups. C2: groups with and without an IOMMU never meet in it.
/// C3: a group is in one container at most, which is its owner.</para>
/// <para>Threads: any. Lock order: the group's file, then this one's, then that of what it is set to. Teardown: with its last
/// group; never fails.</para>
/// </remarks>
/// <param name="engine">The engine.</param>
/// <param name="mappings">What its mappings are counted against; null for nothing.</param>
internal sealed class VfioContainerFile(Engine engine, Quota? mappings = null) : OpenFile
{
    private readonly Lock _lock = new();
    private readonly List<VfioGroup> _groups = [];
    private ContainerIommu? _iommu;
    private bool _isNoIommu;

    // The kernel's file has no poll: it is always ready.
    internal override bool IsReadable => true;

    internal override bool IsWritable => true;

    /// <summary>What it is set to; null before.</summary>
    internal ContainerIommu? Iommu => Volatile.Read(ref _iommu);

    internal override long Ioctl(Caller caller, uint request, ulong argument) => (VfioRequest)request switch
    {
        VfioRequest.GetApiVersion => VfioConstants.ApiVersion,
        VfioRequest.CheckExtension => CheckExtension(argument),
        VfioRequest.SetIommu => Refused(SetIommu(caller, argument)),
        _ => Iommu is { } iommu ? iommu.Run(caller, request, new CallArgument(caller.Memory, argument)) : Refused(Errno.Invalid),
    };

    /// <summary>A group joins; what the container is set to translates for it from here on.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="group">A group that is in no container.</param>
    internal Errno Add(Caller caller, VfioGroup group)
    {
        bool isNoIommu = group.Kind == VfioGroupKind.NoIommu;
        if (isNoIommu && !caller.Has(Capability.SysRawIo))
        {
            return Errno.NotPermitted;
        }

        lock (_lock)
        {
            if (_groups.Count != 0 && _isNoIommu != isNoIommu)
            {
                return Errno.NotPermitted;
            }

            Errno errno = group.Kind == VfioGroupKind.Iommu ? group.Hardware.Claim(this) : Errno.Success;
            if (errno != Errno.Success)
            {
                return errno;
            }

            errno = _iommu?.Attach(group) ?? Errno.Success;
            if (errno != Errno.Success)
            {
                Disclaim(group);
                return errno;
            }

            _isNoIommu = isNoIommu;
            _groups.Insert(0, group);
            return Errno.Success;
        }
    }

    /// <summary>A group leaves; the last one takes with it what the container was set to. Never fails.</summary>
    internal void Remove(VfioGroup group)
    {
        lock (_lock)
        {
            _iommu?.Detach(group);
            Disclaim(group);
            _groups.Remove(group);
            if (_groups.Count == 0)
            {
                _iommu?.Release();
                Volatile.Write(ref _iommu, null);
            }
        }
    }

    internal override void Close()
    {
        // Its groups go on with it.
    }

    private static void Disclaim(VfioGroup group)
    {
        if (group.Kind == VfioGroupKind.Iommu)
        {
            group.Hardware.Release();
        }
    }

    private long CheckExtension(ulong extension)
    {
        lock (_lock)
        {
            if (_iommu is not null)
            {
                return _iommu.CheckExtension(extension);
            }

            // Whoever could be set answers; with groups it is known which one.
            long answer = _groups.Count == 0 || !_isNoIommu ? Type1Iommu.CheckExtension(engine, extension) : 0;
            return answer == 0 && (_groups.Count == 0 || _isNoIommu) ? NoIommuContainer.CheckExtension(engine, extension) : answer;
        }
    }

    private Errno SetIommu(Caller caller, ulong type)
    {
        lock (_lock)
        {
            if (_groups.Count == 0 || _iommu is not null)
            {
                return Errno.Invalid;
            }

            ContainerIommu? iommu = null;
            Errno errno;
            if (_isNoIommu)
            {
                errno = NoIommuContainer.CheckExtension(engine, type) == 0 ? Errno.NoDevice
                    : caller.Has(Capability.SysRawIo) ? Errno.Success
                    : Errno.NotPermitted;
                iommu = errno == Errno.Success ? new NoIommuContainer(engine) : null;
            }
            else
            {
                errno = Type1Iommu.CheckExtension(engine, type) == 0 ? Errno.NoDevice : Type1Iommu.Create(engine, type, mappings, out iommu);
            }

            errno = errno == Errno.Success ? AttachAll(iommu!) : errno;
            if (errno == Errno.Success)
            {
                Volatile.Write(ref _iommu, iommu);
            }

            return errno;
        }
    }

    private Errno AttachAll(ContainerIommu iommu)
    {
        for (int i = 0; i < _groups.Count; i++)
        {
            Errno errno = iommu.Attach(_groups[i]);
            if (errno != Errno.Success)
            {
                while (--i >= 0)
                {
                    iommu.Detach(_groups[i]);
                }

                iommu.Release();
                return errno;
            }
        }

        return Errno.Success;
    }
}
