using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What a virtual machine does when its guest executes WBINVD, and whether it believes the guest's memory types.</summary>
public enum WbinvdPolicy
{
    /// <summary>As Linux decides: for real while the machine has a device whose accesses may be incoherent.</summary>
    Automatic,

    /// <summary>Always for real.</summary>
    Always,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>
/// The VFIO device of one virtual machine (KVM_DEV_TYPE_VFIO): knows which files of VFIO the machine uses, tells them the machine, and
/// says whether the guest may see caches that are not coherent with devices.
/// </summary>
/// <remarks>
/// <para>Owns: a hold on each file that was added. Invariant K1: a file stays open until it is deleted, or this object is disposed.</para>
/// <para>A file is added before a device is opened by it (VFIO_DEVICE_BIND_IOMMUFD, VFIO_GROUP_GET_DEVICE_FD): a device model finds the
/// machine in <see cref="PciDeviceHost.VirtualMachine"/> from then on.</para>
/// <para>Threads: any. <see cref="OnChanged"/> is called without a lock, on the thread that made the change.</para>
/// <para>Teardown: <see cref="Dispose"/> deletes every file; it never fails.</para>
/// </remarks>
public sealed class KvmVfioDevice : IDisposable
{
    /// <summary>The one group of attributes (KVM_DEV_VFIO_FILE, alias KVM_DEV_VFIO_GROUP).</summary>
    public const uint FileGroup = 1;

    /// <summary>KVM_DEV_VFIO_FILE_ADD: the address is that of a 32-bit file descriptor.</summary>
    public const ulong FileAdd = 1;

    /// <summary>KVM_DEV_VFIO_FILE_DEL: the address is that of a 32-bit file descriptor.</summary>
    public const ulong FileDelete = 2;

    /// <summary>KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE: the address is that of two 32-bit file descriptors, of a group and of a table.</summary>
    public const ulong SetSpaprTce = 3;

    private readonly Lock _lock = new();
    private readonly Engine _engine;
    private readonly object _machine;
    private readonly List<IVfioFile> _files = [];
    private bool _isIncoherent;
    private bool _isDisposed;

    /// <summary>Makes the device of a machine; a machine has one.</summary>
    /// <param name="engine">Whose files it takes.</param>
    /// <param name="machine">What the device models get to see; anything that stands for the machine.</param>
    public KvmVfioDevice(Engine engine, object machine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(machine);
        _engine = engine;
        _machine = machine;
    }

    /// <summary>What to do about WBINVD; set by the machine when it knows better than Linux. <see cref="OnChanged"/> is called when that changes something.</summary>
    public WbinvdPolicy Wbinvd
    {
        get
        {
            lock (_lock)
            {
                return field;
            }
        }

        set => Change(() => field = value);
    }

    /// <summary>How many files the machine has: each stands for assigned devices.</summary>
    public int AssignedDeviceCount
    {
        get
        {
            lock (_lock)
            {
                return _files.Count;
            }
        }
    }

    /// <summary>Whether a file was added whose devices may make accesses that are not coherent with the processor.</summary>
    public bool HasIncoherentDma
    {
        get
        {
            lock (_lock)
            {
                return _isIncoherent;
            }
        }
    }

    /// <summary>Whether WBINVD of the guest has to be executed, and its memory types be believed.</summary>
    public bool ExecutesWbinvd
    {
        get
        {
            lock (_lock)
            {
                return Wbinvd switch
                {
                    WbinvdPolicy.Always => true,
                    WbinvdPolicy.Never => false,
                    _ => _isIncoherent,
                };
            }
        }
    }

    /// <summary>Called when <see cref="AssignedDeviceCount"/>, <see cref="HasIncoherentDma"/> or <see cref="ExecutesWbinvd"/> has changed.</summary>
    public Action<KvmVfioDevice>? OnChanged { get; set; }

    /// <summary>
    /// Links a table of the guest, by its file descriptor, to what a group is attached to, and answers as Linux does; null on a machine without such
    /// tables, as Linux is built for it: SET_SPAPR_TCE is ENXIO then.
    /// </summary>
    public Func<int, Errno>? LinkTable { get; set; }

    /// <summary>KVM_SET_DEVICE_ATTR for a program in this process.</summary>
    /// <param name="group">The group of attributes: <see cref="FileGroup"/>.</param>
    /// <param name="attribute">The attribute.</param>
    /// <param name="address">What it says: in memory of this process.</param>
    /// <returns>
    /// Zero; ENXIO for an unknown attribute, EFAULT, EBADF for a descriptor that is none of the engine's, EINVAL for a file that is none of VFIO,
    /// EEXIST when it was added, ENOENT when it was not, ENOMEM, and for a table EIO when the file is of no group.
    /// </returns>
    public Errno SetAttribute(uint group, ulong attribute, nint address) => SetAttribute(_engine.Local, group, attribute, (ulong)address);

    /// <summary>KVM_HAS_DEVICE_ATTR.</summary>
    /// <param name="group">The group of attributes.</param>
    /// <param name="attribute">The attribute.</param>
    /// <returns>Zero or ENXIO.</returns>
    public Errno HasAttribute(uint group, ulong attribute) =>
        group == FileGroup && (attribute is FileAdd or FileDelete || (attribute == SetSpaprTce && LinkTable is not null)) ? Errno.Success : Errno.NoSuchDevice;

    /// <inheritdoc/>
    public void Dispose() => Change(() =>
    {
        _isDisposed = true;
        foreach (IVfioFile file in _files)
        {
            Release(file);
        }

        _files.Clear();
    });

    /// <summary>KVM_SET_DEVICE_ATTR for any caller.</summary>
    internal Errno SetAttribute(Caller caller, uint group, ulong attribute, ulong address)
    {
        if (HasAttribute(group, attribute) != Errno.Success)
        {
            return Errno.NoSuchDevice;
        }

        Span<int> numbers = stackalloc int[2];
        numbers = numbers[..(attribute == SetSpaprTce ? 2 : 1)];
        if (!caller.Memory.TryRead(address, MemoryMarshal.AsBytes(numbers)))
        {
            return Errno.BadAddress;
        }

        if (!caller.TryResolve(numbers[0], out OpenFile? found))
        {
            return Errno.BadDescriptor;
        }

        return attribute switch
        {
            FileAdd => Add(found as IVfioFile),
            FileDelete => Delete(found as IVfioFile),
            _ => Link(found as IVfioFile, numbers[1]),
        };
    }

    private Errno Add(IVfioFile? file)
    {
        if (file is null)
        {
            return Errno.Invalid;
        }

        Errno errno = Errno.Success;
        Change(() =>
        {
            errno = _isDisposed ? Errno.NoDevice
                : _files.Contains(file) ? Errno.AlreadyExists
                : FaultPoint.Fails() ? Errno.OutOfMemory
                : file.TryHold() ? Errno.Success
                : Errno.BadDescriptor;
            if (errno == Errno.Success)
            {
                _files.Add(file);
                file.VirtualMachine = _machine;
            }
        });
        return errno;
    }

    private Errno Delete(IVfioFile? file)
    {
        bool isKnown = false;
        Change(() =>
        {
            isKnown = file is not null && _files.Remove(file);
            if (isKnown)
            {
                Release(file!);
            }
        });
        return isKnown ? Errno.Success : Errno.NotFound;
    }

    private Errno Link(IVfioFile? file, int table)
    {
        lock (_lock)
        {
            return file is null || !_files.Contains(file) ? Errno.NotFound
                : file is not VfioGroupFile ? Errno.InputOutput
                : LinkTable!(table);
        }
    }

    private static void Release(IVfioFile file)
    {
        file.VirtualMachine = null;
        file.LetGo();
    }

    // Linux looks at every file again whenever one comes or goes.
    private void Change(Action change)
    {
        bool hasChanged;
        lock (_lock)
        {
            (int, bool, bool) before = (_files.Count, _isIncoherent, ExecutesWbinvd);
            change();
            _isIncoherent = _files.Exists(file => !file.IsEnforcedCoherent);
            hasChanged = before != (_files.Count, _isIncoherent, ExecutesWbinvd);
        }

        if (hasChanged)
        {
            OnChanged?.Invoke(this);
        }
    }
}
