namespace FastIova;

/// <summary>VFIO_IOAS: which ioas the VFIO calls act on.</summary>
internal static class VfioIoasHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref VfioIoasCommand command = ref call.Command<VfioIoasCommand>();
        if (command.Reserved != 0)
        {
            return Errno.NotSupported;
        }

        switch (command.Op)
        {
            case VfioIoasOp.Get:
                if (call.Objects.HoldVfioIoas() is not { } present)
                {
                    return Errno.NoDevice;
                }

                command.IoasId = present.Id;
                present.LetGo();
                return call.Respond();

            case VfioIoasOp.Set:
                Errno errno = call.Objects.Get(command.IoasId, out IoasObject? ioas);
                if (errno == Errno.Success)
                {
                    call.Objects.SetVfioIoas(ioas);
                    ioas!.LetGo();
                }

                return errno;

            case VfioIoasOp.Clear:
                call.Objects.SetVfioIoas(null);
                return Errno.Success;

            default:
                return Errno.NotSupported;
        }
    }
}
