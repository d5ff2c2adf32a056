namespace FastIova;

/// <summary>VDEVICE_ALLOC: tells a virtual IOMMU what its guest calls a device.</summary>
internal static class VdeviceAllocHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref VdeviceAllocCommand command = ref call.Command<VdeviceAllocCommand>();
        Errno errno = call.Objects.Get(command.ViommuId, out ViommuObject? viommu);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = call.Objects.Get(command.DevId, out DeviceObject? device);
        if (errno == Errno.Success)
        {
            errno = device!.Hardware.Iommu == viommu!.Iommu ? Create(call, ref command, viommu, device) : Errno.Invalid;
            if (errno != Errno.Success)
            {
                // Otherwise the virtual device keeps holding it.
                device.LetGo();
            }
        }

        viommu!.LetGo();
        return errno;
    }

    private static Errno Create(in IoctlCall call, ref VdeviceAllocCommand command, ViommuObject viommu, DeviceObject device)
    {
        using (device.GroupLock.Enter())
        {
            Errno errno = VdeviceObject.Create(viommu, device, command.VirtId, out VdeviceObject? vdevice);
            if (errno != Errno.Success)
            {
                return errno;
            }

            command.OutVdeviceId = vdevice!.Id;
            return call.Publish(vdevice);
        }
    }
}
