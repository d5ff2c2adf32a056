namespace FastIova;

/// <summary>A device that is bound to a context. Whoever bound it owns it: DESTROY answers EBUSY.</summary>
/// <remarks>
/// Threads: any; <see cref="Unbind"/> comes once and last, and whoever calls it sees to it that the device is detached.
/// </remarks>
internal sealed partial class DeviceObject : UapiObject
{
    private readonly DeviceGroup _group;
    private readonly bool _keepsContext;
    private int _faulting;

    private DeviceObject(IommufdContext context, HardwareDevice hardware, DeviceGroup group, bool keepsContext)
        : base(context, ObjectKind.Device)
    {
        Hardware = hardware;
        _group = group;
        _keepsContext = keepsContext;
    }

    /// <summary>The device.</summary>
    internal HardwareDevice Hardware { get; }

    /// <summary>Binds a device: nobody else can attach it or a device of its group from here on.</summary>
    /// <param name="context">To what.</param>
    /// <param name="hardware">The device.</param>
    /// <param name="keepsContext">Whether the context lives on while the device is bound, also when its file is closed. Not for devices that an object of the context owns.</param>
    /// <param name="device">The bound device, which the caller owns.</param>
    internal static Errno Bind(IommufdContext context, HardwareDevice hardware, bool keepsContext, out DeviceObject? device)
    {
        device = null;
        if (!hardware.IsCoherent)
        {
            return Errno.Invalid;
        }

        Errno errno = context.Groups.Get(hardware.Group, out DeviceGroup? group);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = hardware.HasIsolatedInterrupts ? hardware.Group.Claim(context) : Errno.NotPermitted;
        if (errno != Errno.Success)
        {
            context.Groups.Put(group!);
            return errno;
        }

        var newcomer = new DeviceObject(context, hardware, group!, keepsContext);
        errno = context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            hardware.Group.Release();
            context.Groups.Put(group!);
            return errno;
        }

        if (keepsContext)
        {
            context.Hold();
        }

        newcomer.AddUser();
        context.Objects.Publish(newcomer);
        device = newcomer;
        return Errno.Success;
    }

    /// <summary>Undoes <see cref="Bind"/>.</summary>
    internal void Unbind() => Context.Objects.RemoveOwned(this);

    internal override void Destroy()
    {
        Hardware.Group.Release();
        Context.Groups.Put(_group);
        if (_keepsContext)
        {
            Context.LetGo();
        }
    }

    /// <summary>Turns page requests on for one more domain that takes them.</summary>
    private Errno EnableFaults()
    {
        // A shared capability of the function's parent: one virtual function must not answer for all.
        if (Hardware.IsVirtualFunction)
        {
            return Errno.Invalid;
        }

        if (++_faulting > 1)
        {
            return Errno.Success;
        }

        Errno errno = Hardware.EnablePageFaults();
        if (errno != Errno.Success)
        {
            _faulting--;
        }

        return errno;
    }

    private void DisableFaults()
    {
        if (--_faulting == 0)
        {
            Hardware.DisablePageFaults();
        }
    }
}
