using System.Runtime.InteropServices;

namespace FastIova;

/// <content>What the device is made of, and its interrupts.</content>
internal sealed partial class VfioDeviceFile
{
    // The data of one call is for as many interrupts as a device can have; more is refused before it is read.
    private const int IrqHeadBytes = 20;

    private Errno GetInfo(in CallArgument argument)
    {
        int smallest = (int)Marshal.OffsetOf<VfioDeviceInfo>(nameof(VfioDeviceInfo.CapOffset));
        Errno errno = VfioArgument.Read(argument, smallest, out VfioDeviceInfo info);
        if (errno != Errno.Success)
        {
            return errno;
        }

        info.Flags = VfioDeviceConstants.DevicePci | (_device.CanReset ? VfioDeviceConstants.DeviceReset : 0);
        info.NumRegions = VfioRegions.Count;
        info.NumIrqs = VfioInterrupts.Kinds;
        return VfioArgument.Write(argument, info, (int)Math.Min(info.ArgSz, (uint)Marshal.SizeOf<VfioDeviceInfo>()));
    }

    private Errno GetRegionInfo(in CallArgument argument)
    {
        int bytes = Marshal.SizeOf<VfioRegionInfo>();
        Errno errno = VfioArgument.Read(argument, bytes, out VfioRegionInfo info);
        if (errno != Errno.Success || !VfioRegions.Exists(info.Index))
        {
            return errno != Errno.Success ? errno : Errno.Invalid;
        }

        info.Offset = VfioRegions.OffsetOf(info.Index);
        info.Bytes = VfioRegions.BytesOf(_device, info.Index);
        info.Flags = VfioRegions.FlagsOf(_device, info.Index);
        if ((info.Flags & VfioDeviceConstants.RegionCaps) != 0)
        {
            // One capability without contents: the table of MSI-X may be mapped with the rest.
            var capability = new VfioCapHeader { Id = VfioDeviceConstants.CapMsixMappable, Version = 1 };
            uint total = (uint)(bytes + Marshal.SizeOf<VfioCapHeader>());
            info.CapOffset = info.ArgSz >= total ? (uint)bytes : 0;
            if (info.ArgSz < total)
            {
                info.ArgSz = total;
            }
            else if (!argument.TryWrite((ulong)bytes, MemoryMarshal.AsBytes(new ReadOnlySpan<VfioCapHeader>(in capability))))
            {
                return Errno.BadAddress;
            }
        }

        return VfioArgument.Write(argument, info, bytes);
    }

    private Errno GetIrqInfo(in CallArgument argument)
    {
        int bytes = Marshal.SizeOf<VfioIrqInfo>();
        Errno errno = VfioArgument.Read(argument, bytes, out VfioIrqInfo info);
        if (errno != Errno.Success || !_device.Interrupts.Exists(info.Index))
        {
            return errno != Errno.Success ? errno : Errno.Invalid;
        }

        info.Flags = _device.Interrupts.Flags(info.Index);
        info.Count = _device.Interrupts.Count(info.Index);
        return VfioArgument.Write(argument, info, bytes);
    }

    private Errno SetIrqs(Caller caller, in CallArgument argument)
    {
        Errno errno = VfioArgument.Read(argument, IrqHeadBytes, out VfioIrqSet order);
        if (errno != Errno.Success)
        {
            return errno;
        }

        const uint Known = VfioDeviceConstants.SetDataMask | VfioDeviceConstants.SetActionsMask;
        uint most = _device.Interrupts.Count(order.Index);
        if (order.Index >= VfioInterrupts.Kinds || order.Count >= uint.MaxValue - order.Start || (order.Flags & ~Known) != 0
            || order.Start >= most || order.Start + order.Count > most)
        {
            return Errno.Invalid;
        }

        int size = (order.Flags & VfioDeviceConstants.SetDataMask) switch
        {
            VfioDeviceConstants.SetDataNone => 0,
            VfioDeviceConstants.SetDataBool => sizeof(byte),
            VfioDeviceConstants.SetDataEventfd => sizeof(int),
            _ => -1,
        };
        if (size < 0 || order.ArgSz - IrqHeadBytes < (ulong)order.Count * (uint)size)
        {
            return Errno.Invalid;
        }

        byte[] data = new byte[order.Count * (uint)size];
        if (data.Length != 0 && FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        return argument.TryRead(IrqHeadBytes, data) ? _device.Interrupts.Set(caller, order, data) : Errno.BadAddress;
    }
}
