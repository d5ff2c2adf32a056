namespace FastIova;

/// <summary>FAULT_QUEUE_ALLOC: makes a fault queue and the file through which it delivers.</summary>
internal static class FaultQueueAllocHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref FaultAllocCommand command = ref call.Command<FaultAllocCommand>();
        if (command.Flags != 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = FaultQueue.Create(call.Context, out FaultQueue? queue);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = queue!.Introduce(call, ref command.OutFaultId, ref command.OutFaultFd);
        if (errno != Errno.Success)
        {
            call.Objects.Abort(queue);
            return errno;
        }

        call.Objects.Publish(queue);
        return Errno.Success;
    }
}
