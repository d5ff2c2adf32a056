namespace FastIova;

/// <summary>GET_HW_INFO: what the IOMMU of a device can do.</summary>
internal static class GetHwInfoHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref HwInfoCommand command = ref call.Command<HwInfoCommand>();
        HwInfoFlags known = call.Context.Has(UapiChange.HwInfoInputType) ? HwInfoFlags.InputType : HwInfoFlags.None;
        if ((command.Flags & ~known) != HwInfoFlags.None || (command.Reserved0 | command.Reserved1 | command.Reserved2) != 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = call.Objects.Get(command.DevId, out DeviceObject? device);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            return device!.Hardware.IsNoIommu ? Errno.NotSupported : Answer(call, ref command, device.Hardware);
        }
        finally
        {
            device!.LetGo();
        }
    }

    private static Errno Answer(in IoctlCall call, ref HwInfoCommand command, HardwareDevice hardware)
    {
        // Hardware without information is never asked for a type.
        bool asksForType = (command.Flags & HwInfoFlags.InputType) != HwInfoFlags.None && command.DataType != (uint)HwInfoType.None;
        if (asksForType && hardware.InfoType != (uint)HwInfoType.None && command.DataType != hardware.InfoType)
        {
            return Errno.NotSupported;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        ReadOnlySpan<byte> info = hardware.Info.Span;
        int copied = (int)Math.Min(command.DataLen, (uint)info.Length);
        if (!call.Caller.Memory.TryWrite(command.DataUptr, info[..copied])
            || !TryClear(call.Caller.Memory, command.DataUptr + (uint)copied, command.DataLen - (uint)copied))
        {
            return Errno.BadAddress;
        }

        command.DataType = hardware.InfoType;
        command.DataLen = (uint)info.Length; // also when it was longer than the room for it
        command.OutCapabilities = hardware.Capabilities
            | (hardware.TracksDirty ? HwCapabilities.DirtyTracking : HwCapabilities.None)
            | (call.Context.Has(UapiChange.AtsNotSupported) && !hardware.HasAts ? HwCapabilities.PciAtsNotSupported : HwCapabilities.None);
        command.OutMaxPasidLog2 = (byte)hardware.PasidLog2;
        return call.Respond();
    }

    private static bool TryClear(MemorySpace memory, ulong address, ulong length)
    {
        Span<byte> zeros = stackalloc byte[512];
        zeros.Clear();
        while (length != 0)
        {
            int piece = (int)Math.Min(length, (ulong)zeros.Length);
            if (!memory.TryWrite(address, zeros[..piece]))
            {
                return false;
            }

            address += (ulong)piece;
            length -= (ulong)piece;
        }

        return true;
    }
}
