using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The reset of a bus: of every device of a group that has several, behind a bridge of their own. A device alone on its bus has none.</summary>
/// <remarks>
/// Who may: a caller that has bound the device by its own file, when each of the others is bound to the same iommufd, or to nothing;
/// or one that shows the group's file.
/// </remarks>
internal static class VfioBusReset
{
    /// <summary>Says which devices are affected.</summary>
    /// <param name="device">The device that was asked.</param>
    /// <param name="context">What its file is bound to; null for one of its group.</param>
    /// <param name="argument">The struct.</param>
    internal static Errno GetInfo(VfioDevice device, IommufdContext? context, in CallArgument argument)
    {
        int head = Marshal.SizeOf<VfioHotResetInfo>();
        Errno errno = VfioArgument.Read(argument, head, out VfioHotResetInfo info);
        if (errno != Errno.Success || !Exists(device))
        {
            return errno != Errno.Success ? errno : Errno.NoDevice;
        }

        IReadOnlyList<VfioDevice> devices = device.Group.Devices;
        info.Flags = 0;
        info.Count = (uint)devices.Count;
        if (info.Count > (info.ArgSz - (uint)head) / (uint)Marshal.SizeOf<VfioDependentDevice>())
        {
            errno = VfioArgument.Write(argument, info, head);
            return errno == Errno.Success ? Errno.NoSpace : errno;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        var list = new VfioDependentDevice[devices.Count];
        info.Flags = context is null ? 0 : VfioDeviceConstants.HotResetDevId | VfioDeviceConstants.HotResetDevIdOwned;
        lock (device.Group.Gate)
        {
            for (int i = 0; i < list.Length; i++)
            {
                PciAddress at = devices[i].Address;
                uint id = context is null ? (uint)device.Group.Number : IdOf(devices[i], context);
                list[i] = new VfioDependentDevice { Id = id, Segment = at.Segment, Bus = at.Bus, Devfn = at.Devfn };
                info.Flags &= context is not null && id == VfioDeviceConstants.DevIdNotOwned ? ~VfioDeviceConstants.HotResetDevIdOwned : uint.MaxValue;
            }
        }

        return argument.TryWrite((ulong)head, MemoryMarshal.AsBytes<VfioDependentDevice>(list)) ? VfioArgument.Write(argument, info, head) : Errno.BadAddress;
    }

    /// <summary>Resets the devices.</summary>
    internal static Errno Run(VfioDevice device, IommufdContext? context, Caller caller, in CallArgument argument)
    {
        int head = Marshal.SizeOf<VfioHotReset>();
        Errno errno = VfioArgument.Read(argument, head, out VfioHotReset reset);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // Ids say who owns what where files are bound to an iommufd; groups have to be shown.
        if (reset.Flags != 0 || (reset.Count == 0) == (context is null))
        {
            return Errno.Invalid;
        }

        if (!Exists(device))
        {
            return Errno.NoDevice;
        }

        errno = context is null ? CheckGroups(device, caller, argument, reset.Count) : Errno.Success;
        if (errno != Errno.Success)
        {
            return errno;
        }

        lock (device.Group.Gate)
        {
            foreach (VfioDevice affected in device.Group.Devices)
            {
                if (context is not null && IdOf(affected, context) == VfioDeviceConstants.DevIdNotOwned)
                {
                    return Errno.Invalid;
                }
            }

            foreach (VfioDevice affected in device.Group.Devices)
            {
                affected.Reset();
            }

            return Errno.Success;
        }
    }

    // A device alone on its bus sits at the root, where nothing can reset the bus, unless it was made otherwise.
    private static bool Exists(VfioDevice device) => device.HasBusReset;

    // Under the gate of the group.
    private static uint IdOf(VfioDevice device, IommufdContext context) =>
        device.Bound?.Context == context ? device.Bound.Id
        : context.Groups.Contains(device.Group.Hardware) ? VfioDeviceConstants.DevIdOwned
        : VfioDeviceConstants.DevIdNotOwned;

    private static Errno CheckGroups(VfioDevice device, Caller caller, in CallArgument argument, uint count)
    {
        if (count > (uint)device.Group.Devices.Count)
        {
            return Errno.Invalid;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        Span<int> fds = stackalloc int[(int)Math.Min(count, 256)];
        if (count > (uint)fds.Length || !argument.TryRead((ulong)Marshal.SizeOf<VfioHotReset>(), MemoryMarshal.AsBytes(fds)))
        {
            return count > (uint)fds.Length ? Errno.Invalid : Errno.BadAddress;
        }

        bool isShown = false;
        foreach (int fd in fds)
        {
            if (!caller.TryResolve(fd, out OpenFile? file))
            {
                return Errno.BadDescriptor;
            }

            if (file is not VfioGroupFile group)
            {
                return Errno.Invalid;
            }

            isShown |= group.Group == device.Group;
        }

        return isShown ? Errno.Success : Errno.Invalid;
    }
}
