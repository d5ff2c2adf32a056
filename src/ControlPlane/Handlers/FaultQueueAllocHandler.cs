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

        int fd = FaultPoint.Fails() ? -(int)Errno.OutOfMemory : call.Caller.Install(queue!.File);
        if (fd < 0)
        {
            errno = (Errno)(-fd);
        }
        else
        {
            command.OutFaultId = queue!.Id;
            command.OutFaultFd = (uint)fd;
            errno = call.Respond();
            if (errno != Errno.Success)
            {
                call.Caller.Uninstall(fd);
            }
        }

        if (errno != Errno.Success)
        {
            // The file first: it is a user of the queue.
            queue!.File.Close();
            call.Objects.Abort(queue);
            return errno;
        }

        call.Objects.Publish(queue!);
        return Errno.Success;
    }
}
