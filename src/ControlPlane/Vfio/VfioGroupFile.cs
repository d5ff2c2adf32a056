using System.Runtime.InteropServices;
using System.Text;

namespace FastIova;

/// <summary>An open group: it joins a container, which is VFIO's own or an iommufd, and gives out files of its devices.</summary>
/// <remarks>
/// <para>Owns: the group's one opening. It keeps the container while it has joined it. Devices keep an iommufd by themselves; those of a
/// group in VFIO's own container keep this file: it is closed, and leaves the container, with the last of them.</para>
/// <para>Invariant. G1: it is in one container at most, and does not leave VFIO's own one while a device is open.</para>
/// <para>Threads: any. Teardown: leaves the container; never fails.</para>
/// </remarks>
internal sealed class VfioGroupFile : OpenFile, IVfioFile
{
    private const int NameBytesLast = 4096;

    private readonly Lock _joining = new();
    private IommufdContext? _iommufd;
    private VfioContainerFile? _container;

    // Files of devices that were opened in VFIO's own container.
    private int _users;

    // The descriptor, those files, and whoever else keeps it open.
    private int _holders = 1;
    private int _closed;

    private VfioGroupFile(VfioGroup group) => Group = group;

    /// <summary>The group.</summary>
    internal VfioGroup Group { get; }

    /// <inheritdoc/>
    public object? VirtualMachine { get; set; }

    /// <inheritdoc/>
    public bool IsEnforcedCoherent => Group.Devices.All(device => device.IsEnforcedCoherent);

    internal override bool IsReadable => true;

    internal override bool IsWritable => true;

    /// <summary>Opens a group.</summary>
    /// <param name="caller">Who opens it.</param>
    /// <param name="group">The group.</param>
    /// <param name="file">The file.</param>
    /// <returns><see cref="Errno.Busy"/> when it is open, or one of its devices is bound; <see cref="Errno.NotPermitted"/> without CAP_SYS_RAWIO for one without an IOMMU.</returns>
    internal static Errno Open(Caller caller, VfioGroup group, out VfioGroupFile? file)
    {
        Errno errno = group.Kind == VfioGroupKind.NoIommu && !caller.Has(Capability.SysRawIo) ? Errno.NotPermitted : group.Open();
        file = errno == Errno.Success ? new VfioGroupFile(group) : null;
        return errno;
    }

    internal override long Ioctl(Caller caller, uint request, ulong argument)
    {
        var call = new CallArgument(caller.Memory, argument);
        return (VfioRequest)request switch
        {
            VfioRequest.GroupGetStatus => Refused(GetStatus(call)),
            VfioRequest.GroupSetContainer => Refused(Join(caller, call)),
            VfioRequest.GroupUnsetContainer => Refused(Leave()),
            VfioRequest.GroupGetDeviceFd => GiveDevice(caller, argument),
            _ => Refused(Errno.NotATypewriter),
        };
    }

    internal override void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            LetGo();
        }
    }

    /// <summary>A file of a device is closed, that was opened in VFIO's own container.</summary>
    internal void LetGoOfDevice()
    {
        lock (_joining)
        {
            _users--;
        }

        LetGo();
    }

    /// <inheritdoc/>
    public bool TryHold()
    {
        lock (_joining)
        {
            _holders += _holders != 0 ? 1 : 0;
            return _holders != 0;
        }
    }

    /// <inheritdoc/>
    public void LetGo()
    {
        lock (_joining)
        {
            if (--_holders != 0)
            {
                return;
            }
        }

        Leave();
        Group.Close();
    }

    private Errno GetStatus(in CallArgument argument)
    {
        int bytes = Marshal.SizeOf<VfioGroupStatus>();
        Errno errno = VfioArgument.Read(argument, bytes, out VfioGroupStatus status);
        if (errno != Errno.Success)
        {
            return errno;
        }

        lock (_joining)
        {
            // Nobody else can have a device of a group that is open, but files that an opening before it has given out.
            status.Flags = HasIommu ? VfioDeviceConstants.GroupContainerSet | VfioDeviceConstants.GroupViable
                : Group.Devices.Any(device => device.Bound is not null) ? 0
                : VfioDeviceConstants.GroupViable;
        }

        return VfioArgument.Write(argument, status, bytes);
    }

    private Errno Join(Caller caller, in CallArgument argument)
    {
        int fd = 0;
        if (!argument.TryRead(0, MemoryMarshal.AsBytes(new Span<int>(ref fd))))
        {
            return Errno.BadAddress;
        }

        if (fd < 0 || !caller.TryResolve(fd, out OpenFile? file))
        {
            return Errno.BadDescriptor;
        }

        lock (_joining)
        {
            if (HasIommu)
            {
                return Errno.Invalid;
            }

            Errno errno;
            if (file is VfioContainerFile container)
            {
                errno = container.Add(caller, Group);
                _container = errno == Errno.Success ? container : null;
                return errno;
            }

            if (file is not IommufdContext context || !context.TryHold())
            {
                return Errno.BadDescriptorState;
            }

            errno = Group.Kind == VfioGroupKind.NoIommu ? VfioContainer.BecomeNoIommu(context)
                : context.IsNoIommu ? Errno.Invalid
                : VfioContainer.EnsureIoas(context);
            if (errno != Errno.Success)
            {
                context.LetGo();
                return errno;
            }

            _iommufd = context;
            return Errno.Success;
        }
    }

    private bool HasIommu => _container is not null || _iommufd is not null;

    private Errno Leave()
    {
        lock (_joining)
        {
            if (!HasIommu || _users != 0)
            {
                return HasIommu ? Errno.Busy : Errno.Invalid;
            }

            _container?.Remove(Group);
            _container = null;
            _iommufd?.LetGo();
            _iommufd = null;
            return Errno.Success;
        }
    }

    private long GiveDevice(Caller caller, ulong argument)
    {
        Errno errno = ReadName(caller, argument, out string name);
        if (errno != Errno.Success)
        {
            return Refused(errno);
        }

        string[] words = name.Split(' ', 2);
        VfioDevice? device = Group.Devices.FirstOrDefault(one => string.Equals(one.Address.ToString(), words[0], StringComparison.Ordinal));
        if (device is null)
        {
            return Refused(Errno.NoDevice);
        }

        // What may follow the name is a token of a physical function; none is needed here, and none is right.
        if (words.Length > 1)
        {
            return Refused(Errno.Invalid);
        }

        if (FaultPoint.Fails())
        {
            return Refused(Errno.OutOfMemory);
        }

        bool keeps;
        lock (_joining)
        {
            keeps = _container is not null;
            errno = MayOpen(caller, device);
            errno = errno == Errno.Success ? device.OpenForGroup(Group.Kind == VfioGroupKind.NoIommu ? null : _iommufd, _container?.Iommu as Type1Iommu, VirtualMachine) : errno;
            _users += keeps && errno == Errno.Success ? 1 : 0;
            _holders += keeps && errno == Errno.Success ? 1 : 0;
        }

        if (errno != Errno.Success)
        {
            return Refused(errno);
        }

        var file = new VfioDeviceFile(device, this, keeps);
        int fd = caller.Install(file);
        if (fd < 0)
        {
            file.Close();
        }

        return fd;
    }

    private Errno MayOpen(Caller caller, VfioDevice device)
    {
        if (_iommufd is null && _container?.Iommu is null)
        {
            return Errno.Invalid;
        }

        // Who asks for translation, by an ioas, shall not get a device without it.
        return Group.Kind == VfioGroupKind.NoIommu && !device.IsOpenForGroup && (!caller.Has(Capability.SysRawIo) || (_iommufd is not null && VfioContainer.HasIoas(_iommufd)))
            ? Errno.NotPermitted
            : Errno.Success;
    }

    private static Errno ReadName(Caller caller, ulong address, out string name)
    {
        name = string.Empty;
        var text = new StringBuilder();
        Span<byte> one = stackalloc byte[1];
        for (int i = 0; i < NameBytesLast; i++)
        {
            if (!caller.Memory.TryRead(address + (ulong)i, one))
            {
                return Errno.BadAddress;
            }

            if (one[0] == 0)
            {
                name = text.ToString();
                return Errno.Success;
            }

            text.Append((char)one[0]);
        }

        return Errno.Invalid;
    }
}
