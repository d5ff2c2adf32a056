namespace FastIova;

/// <summary>IOAS_MAP: maps memory of the caller.</summary>
internal static class IoasMapHandler
{
    private const IoasMapFlags Known = IoasMapFlags.FixedIova | IoasMapFlags.Writeable | IoasMapFlags.Readable;

    internal static Errno Run(in IoctlCall call)
    {
        ref IoasMapCommand command = ref call.Command<IoasMapCommand>();
        if ((command.Flags & ~Known) != IoasMapFlags.None || command.Reserved != 0)
        {
            return Errno.NotSupported;
        }

        if (command.Iova == ulong.MaxValue || command.Length == ulong.MaxValue)
        {
            return Errno.Overflow;
        }

        Permission permission = PermissionOf(command.Flags);
        if (permission == Permission.None)
        {
            return Errno.Invalid;
        }

        Errno errno = call.Objects.Get(command.IoasId, out IoasObject? ioas);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            ulong iova = command.Iova;
            bool isFixed = (command.Flags & IoasMapFlags.FixedIova) != IoasMapFlags.None;
            errno = ioas!.Map(call.Caller, command.UserVa, command.Length, ref iova, permission, isFixed);
            if (errno != Errno.Success)
            {
                return errno;
            }

            // A caller that cannot take the answer keeps the mapping all the same.
            command.Iova = iova;
            return call.Respond();
        }
        finally
        {
            ioas!.LetGo();
        }
    }

    /// <summary>What devices may do.</summary>
    internal static Permission PermissionOf(IoasMapFlags flags) =>
        ((flags & IoasMapFlags.Readable) != IoasMapFlags.None ? Permission.Read : Permission.None)
        | ((flags & IoasMapFlags.Writeable) != IoasMapFlags.None ? Permission.Write : Permission.None);
}
