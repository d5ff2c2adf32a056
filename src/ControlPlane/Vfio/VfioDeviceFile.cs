using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>An open device: by its own node, then everything is refused until it is bound to an iommufd; or from its group, then it is bound already.</summary>
/// <remarks>
/// <para>Invariants. F1: one file of its own binds a device at a time. F2: the device is closed when this file is, and nothing has one of
/// its BARs mapped any more.</para>
/// <para>Threads: any. Teardown: <see cref="Close"/> detaches, unbinds and resets; it never fails.</para>
/// </remarks>
internal sealed partial class VfioDeviceFile : OpenFile, IVfioFile
{
    private readonly VfioDevice _device;
    private readonly VfioGroupFile? _group;
    private readonly bool _keepsGroup;
    private IommufdContext? _context;
    private volatile bool _isGranted;
    private int _holders = 1;
    private int _closed;

    internal VfioDeviceFile(VfioDevice device) => _device = device;

    /// <summary>A file that the group of the device gives out, which has opened the device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="group">The group's file.</param>
    /// <param name="keepsGroup">Whether the group's file is not closed before this one.</param>
    internal VfioDeviceFile(VfioDevice device, VfioGroupFile group, bool keepsGroup)
    {
        _device = device;
        _group = group;
        _keepsGroup = keepsGroup;
        _isGranted = true;
    }

    /// <inheritdoc/>
    public object? VirtualMachine { get; set; }

    /// <inheritdoc/>
    public bool IsEnforcedCoherent => _device.IsEnforcedCoherent;

    // The kernel's file has no poll: it is always ready.
    internal override bool IsReadable => true;

    internal override bool IsWritable => true;

    internal override long Ioctl(Caller caller, uint request, ulong argument)
    {
        var call = new CallArgument(caller.Memory, argument);
        if (request == (uint)VfioDeviceRequest.BindIommufd)
        {
            return Refused(Bind(caller, call));
        }

        if (!_isGranted)
        {
            return Refused(Errno.Invalid);
        }

        _device.Power.Use();
        if (request == (uint)VfioDeviceRequest.Feature)
        {
            return VfioFeatures.Run(_device, caller, call);
        }

        // What is about the bus of a device is not known of one that is on none.
        bool isPhysical = _device.Emulated is null;
        return Refused((VfioDeviceRequest)request switch
        {
            VfioDeviceRequest.AttachIommufdPt when _group is null => Attach(call),
            VfioDeviceRequest.DetachIommufdPt when _group is null => Detach(call),
            VfioDeviceRequest.GetInfo => GetInfo(call),
            VfioDeviceRequest.GetRegionInfo => GetRegionInfo(call),
            VfioDeviceRequest.GetIrqInfo => GetIrqInfo(call),
            VfioDeviceRequest.SetIrqs => SetIrqs(caller, call),
            VfioDeviceRequest.Reset => ResetDevice(),
            VfioDeviceRequest.IoEventfd when isPhysical => _device.IoEventfds.Run(caller, call),
            VfioDeviceRequest.GetPciHotResetInfo when isPhysical => VfioBusReset.GetInfo(_device, _context, call),
            VfioDeviceRequest.PciHotReset when isPhysical => VfioBusReset.Run(_device, _context, caller, call),
            _ => Errno.NotATypewriter,
        });
    }

    internal override void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            LetGo();
        }
    }

    /// <inheritdoc/>
    public bool TryHold()
    {
        int holders = Volatile.Read(ref _holders);
        while (holders != 0)
        {
            int seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders)
            {
                return true;
            }

            holders = seen;
        }

        return false;
    }

    /// <inheritdoc/>
    public void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
        {
            return;
        }

        if (_group is not null)
        {
            _device.CloseForGroup();
            if (_keepsGroup)
            {
                _group.LetGoOfDevice();
            }
        }
        else if (_isGranted)
        {
            lock (_device.Group.Gate)
            {
                _device.Close();
                _context!.LetGo();
            }

            _device.Group.UnblockOpen();
        }
    }

    private Errno Bind(Caller caller, in CallArgument argument)
    {
        Errno errno = ReadBind(argument, out VfioBindIommufd bind);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (bind.Iommufd < 0 || (bind.Flags & ~VfioDeviceConstants.BindToken) != 0 || _group is not null)
        {
            return Errno.Invalid;
        }

        errno = _device.Group.BlockOpen();
        if (errno != Errno.Success)
        {
            return errno;
        }

        lock (_device.Group.Gate)
        {
            errno = _isGranted ? Errno.Invalid : CheckToken(caller, bind);
            errno = errno == Errno.Success ? BindChecked(caller, bind.Iommufd, argument) : errno;
        }

        if (errno != Errno.Success)
        {
            _device.Group.UnblockOpen();
        }

        return errno;
    }

    private Errno ReadBind(in CallArgument argument, out VfioBindIommufd bind)
    {
        int smallest = (int)Marshal.OffsetOf<VfioBindIommufd>(nameof(VfioBindIommufd.TokenUuidPtr));
        if (!_device.Engine.Options.Level.Has(UapiChange.BindToken))
        {
            Errno old = VfioArgument.Read(argument, smallest, out bind);
            return old == Errno.Success && bind.Flags != 0 ? Errno.Invalid : old;
        }

        bind = default;
        Errno errno = SizeLaw.ReadSize(argument, out uint size);
        return errno != Errno.Success ? errno
            : size < (uint)smallest ? Errno.Invalid
            : SizeLaw.Copy(argument, size, MemoryMarshal.AsBytes(new Span<VfioBindIommufd>(ref bind)));
    }

    // No device here is or has virtual functions, which tokens are for: none is needed, and none is right.
    private static Errno CheckToken(Caller caller, in VfioBindIommufd bind)
    {
        Span<byte> token = stackalloc byte[16];
        return (bind.Flags & VfioDeviceConstants.BindToken) == 0 ? Errno.Success
            : caller.Memory.TryRead(bind.TokenUuidPtr, token) ? Errno.Invalid
            : Errno.BadAddress;
    }

    private Errno BindChecked(Caller caller, int iommufd, in CallArgument argument)
    {
        if (!caller.TryResolve(iommufd, out OpenFile? file))
        {
            return Errno.BadDescriptor;
        }

        if (file is not IommufdContext context || !context.TryHold())
        {
            return Errno.BadDescriptorState;
        }

        Errno errno = _device.Open(context, container: null, VirtualMachine);
        if (errno == Errno.Success)
        {
            uint id = _device.Bound!.Id;
            if (argument.TryWrite((ulong)Marshal.OffsetOf<VfioBindIommufd>(nameof(VfioBindIommufd.OutDevId)), MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in id))))
            {
                _context = context;
                _isGranted = true;
                return Errno.Success;
            }

            _device.Close();
            errno = Errno.BadAddress;
        }

        context.LetGo();
        return errno;
    }

    private Errno Attach(in CallArgument argument)
    {
        int smallest = (int)Marshal.OffsetOf<VfioAttachIommufdPt>(nameof(VfioAttachIommufdPt.Pasid));
        Errno errno = VfioArgument.Read(argument, smallest, out VfioAttachIommufdPt attach);
        errno = errno == Errno.Success ? CheckPasidFlag(attach.Flags) : errno;
        bool hasPasid = attach.Flags != 0;
        if (errno == Errno.Success && hasPasid)
        {
            errno = VfioArgument.Read(argument, Marshal.SizeOf<VfioAttachIommufdPt>(), out attach);
        }

        if (errno != Errno.Success)
        {
            return errno;
        }

        lock (_device.Group.Gate)
        {
            errno = hasPasid ? _device.Bound!.AttachPasid(attach.Pasid, ref attach.PtId) : _device.Bound!.Attach(ref attach.PtId);
            if (errno != Errno.Success)
            {
                return errno;
            }

            if (VfioArgument.Write(argument, attach, smallest) == Errno.Success)
            {
                return Errno.Success;
            }

            // What Linux undoes is the attachment without a PASID, whichever was asked for.
            _device.Bound!.Detach();
            return Errno.BadAddress;
        }
    }

    private Errno Detach(in CallArgument argument)
    {
        int smallest = (int)Marshal.OffsetOf<VfioDetachIommufdPt>(nameof(VfioDetachIommufdPt.Pasid));
        Errno errno = VfioArgument.Read(argument, smallest, out VfioDetachIommufdPt detach);
        errno = errno == Errno.Success ? CheckPasidFlag(detach.Flags) : errno;
        bool hasPasid = detach.Flags != 0;
        if (errno == Errno.Success && hasPasid)
        {
            errno = VfioArgument.Read(argument, Marshal.SizeOf<VfioDetachIommufdPt>(), out detach);
        }

        if (errno == Errno.Success)
        {
            lock (_device.Group.Gate)
            {
                if (hasPasid)
                {
                    _device.Bound!.DetachPasid(detach.Pasid);
                }
                else
                {
                    _device.Bound!.Detach();
                }
            }
        }

        return errno;
    }

    private Errno CheckPasidFlag(uint flags) =>
        flags == 0 ? Errno.Success
        : flags != VfioDeviceConstants.AttachPasid || !_device.Engine.Options.Level.Has(UapiChange.VfioPasids) ? Errno.Invalid
        : _device.Bound!.TakesPasids ? Errno.Success
        : Errno.NotSupported;

    private Errno ResetDevice()
    {
        if (!_device.CanReset)
        {
            return Errno.Invalid;
        }

        lock (_device.Group.Gate)
        {
            _device.Reset();
        }

        return Errno.Success;
    }
}
