namespace FastIova;

/// <summary>IOAS_ALLOC: makes an empty ioas.</summary>
internal static class IoasAllocHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref IoasAllocCommand command = ref call.Command<IoasAllocCommand>();
        if (command.Flags != 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = IoasObject.Create(call.Context, out IoasObject? ioas);
        if (errno != Errno.Success)
        {
            return errno;
        }

        command.OutIoasId = ioas!.Id;
        return call.Publish(ioas);
    }
}
