namespace FastIova;

/// <summary>HW_QUEUE_ALLOC: lets the hardware read a queue in memory of the guest.</summary>
internal static class HwQueueAllocHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref HwQueueAllocCommand command = ref call.Command<HwQueueAllocCommand>();
        if (command.Flags != 0 || command.Type == 0)
        {
            return Errno.NotSupported;
        }

        if (command.Length == 0)
        {
            return Errno.Invalid;
        }

        if (!IovaSpan.TryCreate(command.NestingParentIova, command.Length, out _))
        {
            return Errno.Overflow;
        }

        Errno errno = call.Objects.Get(command.ViommuId, out ViommuObject? viommu);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = viommu!.Driver.HasQueues(command.Type) ? Create(call, ref command, viommu) : Errno.NotSupported;
        viommu.LetGo();
        return errno;
    }

    private static Errno Create(in IoctlCall call, ref HwQueueAllocCommand command, ViommuObject viommu)
    {
        Errno errno = HwQueueObject.Create(viommu, command, out HwQueueObject? queue);
        if (errno != Errno.Success)
        {
            return errno;
        }

        command.OutHwQueueId = queue!.Id;
        return call.Publish(queue);
    }
}
