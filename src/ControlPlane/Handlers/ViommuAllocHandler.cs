namespace FastIova;

/// <summary>VIOMMU_ALLOC: makes a virtual IOMMU for a guest.</summary>
internal static class ViommuAllocHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref ViommuAllocCommand command = ref call.Command<ViommuAllocCommand>();
        if (command.Flags != 0 || command.Type == 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = call.Objects.Get(command.DevId, out DeviceObject? device);
        if (errno != Errno.Success)
        {
            return errno;
        }

        PagingHwpt? parent = null;
        try
        {
            if (!device!.Hardware.KnowsVirtualIommu(command.Type))
            {
                return Errno.NotSupported;
            }

            errno = call.Objects.Get(command.HwptId, out parent);
            if (errno != Errno.Success)
            {
                return errno;
            }

            return parent!.IsNestParent ? Create(call, ref command, device.Hardware, parent) : Errno.Invalid;
        }
        finally
        {
            parent?.LetGo();
            device!.LetGo();
        }
    }

    private static Errno Create(in IoctlCall call, ref ViommuAllocCommand command, HardwareDevice hardware, PagingHwpt parent)
    {
        var data = new UserData(call.Caller, command.Type, command.DataUptr, command.DataLen);
        Errno errno = ViommuObject.Create(parent, hardware, data, out ViommuObject? viommu);
        if (errno != Errno.Success)
        {
            return errno;
        }

        command.OutViommuId = viommu!.Id;
        return call.Publish(viommu);
    }
}
