namespace FastIova;

/// <summary>VEVENTQ_ALLOC: makes a queue for events of a virtual IOMMU, and the file to read them from.</summary>
internal static class VeventqAllocHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref VeventqAllocCommand command = ref call.Command<VeventqAllocCommand>();
        if (command.Flags != 0 || command.Reserved != 0 || command.Type == 0)
        {
            return Errno.NotSupported;
        }

        if (command.VeventqDepth is 0 or > VeventQueue.DepthLast)
        {
            return Errno.Invalid;
        }

        Errno errno = call.Objects.Get(command.ViommuId, out ViommuObject? viommu);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = VeventQueue.Create(viommu!, command.Type, command.VeventqDepth, out VeventQueue? queue);
        if (errno == Errno.Success)
        {
            errno = queue!.Introduce(call, ref command.OutVeventqId, ref command.OutVeventqFd);
            if (errno == Errno.Success)
            {
                call.Objects.Publish(queue);
            }
            else
            {
                call.Objects.Abort(queue);
            }
        }

        viommu!.LetGo();
        return errno;
    }
}
