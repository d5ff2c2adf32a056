using System.Numerics;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The interrupts of a device, as VFIO_DEVICE_SET_IRQS sets them: eventfds for a pin, for messages, for errors and requests.</summary>
/// <remarks>
/// <para>Owns: the eventfds.</para>
/// <para>Invariants. N1: one of pin, MSI and MSI-X is enabled at most. N2: the pin is masked when it has been signalled, and signalled
/// again when it is unmasked while the device still asserts it.</para>
/// <para>Threads: any. The function calls in with its own lock held: what it takes here is below.</para>
/// </remarks>
internal sealed partial class VfioInterrupts
{
    private readonly PciFunction _function;
    private readonly bool _errorsEverywhere;
    private readonly Lock _setting = new();
    private readonly VfioPin _pin = new();
    private volatile EventDescriptor?[] _vectors = [];
    private VfioIrq? _kind;
    private EventDescriptor? _error;
    private EventDescriptor? _request;

    internal VfioInterrupts(PciFunction function, bool errorsEverywhere)
    {
        _function = function;
        _errorsEverywhere = errorsEverywhere;
        function.OnMsi = Message;
        function.OnIntx = _pin.SetLevel;
    }

    /// <summary>The kinds.</summary>
    internal const uint Kinds = (uint)VfioIrq.Request + 1;

    /// <summary>Whether MSI is enabled.</summary>
    internal bool IsMsi => _kind == VfioIrq.Msi;

    /// <summary>Whether a kind exists at all.</summary>
    internal bool Exists(uint kind) => kind < Kinds && (kind != (uint)VfioIrq.Error || HasErrors);

    /// <summary>How many interrupts of a kind there are.</summary>
    internal uint Count(uint kind) => (VfioIrq)kind switch
    {
        VfioIrq.Intx => _function.Layout.HasIntx ? 1u : 0,
        VfioIrq.Msi => (uint)_function.Layout.MsiVectors,
        VfioIrq.Msix => (uint)(_function.Layout.Msix?.Vectors ?? 0),
        VfioIrq.Error => HasErrors ? 1u : 0,
        VfioIrq.Request => 1,
        _ => 0,
    };

    /// <summary>What can be done with a kind.</summary>
    internal uint Flags(uint kind) => VfioDeviceConstants.IrqEventfd | (VfioIrq)kind switch
    {
        VfioIrq.Intx => VfioDeviceConstants.IrqMaskable | VfioDeviceConstants.IrqAutomasked,
        VfioIrq.Msix when Count(kind) != 0 => 0,
        _ => VfioDeviceConstants.IrqNoResize,
    };

    /// <summary>Sets interrupts.</summary>
    /// <param name="caller">Whose eventfds the data names.</param>
    /// <param name="order">What to do; checked.</param>
    /// <param name="data">One byte or one descriptor for each interrupt, or nothing.</param>
    internal Errno Set(Caller caller, in VfioIrqSet order, ReadOnlySpan<byte> data)
    {
        uint action = order.Flags & VfioDeviceConstants.SetActionsMask;
        lock (_setting)
        {
            return ((VfioIrq)order.Index, action) switch
            {
                (VfioIrq.Intx, VfioDeviceConstants.SetActionMask) => MaskPin(order, data),
                (VfioIrq.Intx, VfioDeviceConstants.SetActionUnmask) => UnmaskPin(caller, order, data),
                (VfioIrq.Intx, VfioDeviceConstants.SetActionTrigger) => TriggerPin(caller, order, data),
                (VfioIrq.Msi or VfioIrq.Msix, VfioDeviceConstants.SetActionTrigger) => TriggerMessages(caller, order, data),
                (VfioIrq.Error, VfioDeviceConstants.SetActionTrigger) => TriggerOne(caller, ref _error, order, data),
                (VfioIrq.Request, VfioDeviceConstants.SetActionTrigger) => TriggerOne(caller, ref _request, order, data),
                _ => Errno.NotATypewriter,
            };
        }
    }

    /// <summary>Takes every eventfd away.</summary>
    internal void DisableAll()
    {
        lock (_setting)
        {
            Disable();
            Replace(ref _error, null);
            Replace(ref _request, null);
        }
    }

    /// <summary>Enables again, after a reset of the function, what was enabled before.</summary>
    internal void Restore()
    {
        lock (_setting)
        {
            Enable(_kind, _vectors.Length);
        }
    }

    /// <summary>Takes the eventfd that a descriptor of the caller stands for.</summary>
    internal static Errno Take(Caller caller, int fd, out EventDescriptor? taken)
    {
        taken = null;
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        Errno errno = caller.TakeDescriptor(fd, out Descriptor? descriptor);
        if (errno != Errno.Success)
        {
            return errno;
        }

        taken = EventDescriptor.TryAdopt(descriptor!);
        return taken is null ? Errno.Invalid : Errno.Success;
    }

    private bool HasErrors => _errorsEverywhere || _function.Layout.IsExpress;

    private static bool Is(in VfioIrqSet order, uint data) => (order.Flags & data) != 0;

    private static bool IsOnePin(in VfioIrqSet order) => order.Start == 0 && order.Count == 1;

    private static void Replace(ref EventDescriptor? place, EventDescriptor? by)
    {
        EventDescriptor? old = place;
        place = by;
        old?.Dispose();
    }

    private Errno MaskPin(in VfioIrqSet order, ReadOnlySpan<byte> data)
    {
        if (_kind != VfioIrq.Intx || !IsOnePin(order))
        {
            return Errno.Invalid;
        }

        if (Is(order, VfioDeviceConstants.SetDataEventfd))
        {
            return Errno.NotATypewriter;
        }

        if (Is(order, VfioDeviceConstants.SetDataNone) || data[0] != 0)
        {
            _pin.Mask();
        }

        return Errno.Success;
    }

    private Errno UnmaskPin(Caller caller, in VfioIrqSet order, ReadOnlySpan<byte> data)
    {
        if (_kind != VfioIrq.Intx || !IsOnePin(order))
        {
            return Errno.Invalid;
        }

        if (Is(order, VfioDeviceConstants.SetDataEventfd))
        {
            int fd = MemoryMarshal.Read<int>(data);
            if (fd < 0)
            {
                _pin.StopUnmasking();
                return Errno.Success;
            }

            Errno errno = Take(caller, fd, out EventDescriptor? taken);
            return errno == Errno.Success ? _pin.UnmaskBy(taken!) : errno;
        }

        if (Is(order, VfioDeviceConstants.SetDataNone) || data[0] != 0)
        {
            _pin.Unmask();
        }

        return Errno.Success;
    }

    private Errno TriggerPin(Caller caller, in VfioIrqSet order, ReadOnlySpan<byte> data)
    {
        if (_kind == VfioIrq.Intx && order.Count == 0 && Is(order, VfioDeviceConstants.SetDataNone))
        {
            Disable();
            return Errno.Success;
        }

        if (_kind is not (VfioIrq.Intx or null) || !IsOnePin(order))
        {
            return Errno.Invalid;
        }

        if (Is(order, VfioDeviceConstants.SetDataEventfd))
        {
            int fd = MemoryMarshal.Read<int>(data);
            EventDescriptor? taken = null;
            Errno errno = fd >= 0 ? Take(caller, fd, out taken) : Errno.Success;
            if (errno == Errno.Success && _kind is null && FaultPoint.Fails())
            {
                taken?.Dispose();
                return Errno.OutOfMemory;
            }

            if (errno == Errno.Success)
            {
                _kind = VfioIrq.Intx;
                _pin.Enable(taken);
            }

            return errno;
        }

        if (_kind != VfioIrq.Intx)
        {
            return Errno.Invalid;
        }

        if (Is(order, VfioDeviceConstants.SetDataNone) || data[0] != 0)
        {
            _pin.Signal();
        }

        return Errno.Success;
    }

    private static Errno TriggerOne(Caller caller, ref EventDescriptor? place, in VfioIrqSet order, ReadOnlySpan<byte> data)
    {
        if (order.Start != 0 || order.Count > 1)
        {
            return Errno.Invalid;
        }

        if (Is(order, VfioDeviceConstants.SetDataNone))
        {
            if (place is null)
            {
                return Errno.Invalid;
            }

            if (order.Count == 0)
            {
                Replace(ref place, null);
            }

            place?.Signal();
            return Errno.Success;
        }

        if (order.Count == 0)
        {
            return Errno.Invalid;
        }

        if (Is(order, VfioDeviceConstants.SetDataBool))
        {
            if (data[0] != 0)
            {
                place?.Signal();
            }

            return Errno.Success;
        }

        int fd = MemoryMarshal.Read<int>(data);
        EventDescriptor? taken = null;
        Errno errno = fd >= 0 ? Take(caller, fd, out taken) : fd == -1 ? Errno.Success : Errno.Invalid;
        if (errno == Errno.Success)
        {
            Replace(ref place, taken);
        }

        return errno;
    }

    private void Enable(VfioIrq? kind, int vectors)
    {
        switch (kind)
        {
            case VfioIrq.Msi:
                _function.EnableMsi((int)BitOperations.RoundUpToPowerOf2((uint)vectors));
                break;

            case VfioIrq.Msix:
                _function.EnableMsix(true);
                break;

            default:
                break;
        }
    }

    private void Disable()
    {
        switch (_kind)
        {
            case VfioIrq.Msi:
                _function.EnableMsi(0);
                break;

            case VfioIrq.Msix:
                _function.EnableMsix(false);
                break;

            default:
                _pin.Disable();
                break;
        }

        _kind = null;
        EventDescriptor?[] vectors = _vectors;
        _vectors = [];
        foreach (EventDescriptor? vector in vectors)
        {
            vector?.Dispose();
        }
    }
}
