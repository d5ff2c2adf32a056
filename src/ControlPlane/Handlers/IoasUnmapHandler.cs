namespace FastIova;

/// <summary>IOAS_UNMAP: takes whole areas away.</summary>
internal static class IoasUnmapHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref IoasUnmapCommand command = ref call.Command<IoasUnmapCommand>();
        Errno errno = call.Objects.Get(command.IoasId, out IoasObject? ioas);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            errno = Unmap(ioas!.Space, command.Iova, command.Length, out ulong unmapped);
            if (errno != Errno.Success)
            {
                return errno;
            }

            command.Length = unmapped;
            return call.Respond();
        }
        finally
        {
            ioas!.LetGo();
        }
    }

    private static Errno Unmap(Ioas space, ulong iova, ulong length, out ulong unmapped)
    {
        unmapped = 0;
        if (iova == 0 && length == ulong.MaxValue)
        {
            return space.UnmapAll(out unmapped).ToErrno();
        }

        if (iova == ulong.MaxValue || length == ulong.MaxValue)
        {
            return Errno.Overflow;
        }

        Errno errno = space.Unmap(iova, length, out unmapped).ToErrno();
        return errno == Errno.Success && unmapped == 0 ? Errno.NotFound : errno;
    }
}
