namespace FastIova;

/// <summary>IOAS_MAP_FILE: maps a part of a file, whoever has it mapped besides.</summary>
internal static class IoasMapFileHandler
{
    private const IoasMapFlags Known = IoasMapFlags.FixedIova | IoasMapFlags.Writeable | IoasMapFlags.Readable;

    internal static Errno Run(in IoctlCall call)
    {
        ref IoasMapFileCommand command = ref call.Command<IoasMapFileCommand>();
        if ((command.Flags & ~Known) != IoasMapFlags.None)
        {
            return Errno.NotSupported;
        }

        if (command.Iova == ulong.MaxValue || command.Length == ulong.MaxValue)
        {
            return Errno.Overflow;
        }

        if (IoasMapHandler.PermissionOf(command.Flags) == Permission.None)
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
            errno = Map(call, ref command, ioas!.Space);

            // A caller that cannot take the answer keeps the mapping all the same.
            return errno == Errno.Success ? call.Respond() : errno;
        }
        finally
        {
            ioas!.LetGo();
        }
    }

    private static Errno Map(in IoctlCall call, ref IoasMapFileCommand command, Ioas space)
    {
        if (command.Length == 0)
        {
            return Errno.Invalid;
        }

        if (command.Start + (command.Length - 1) < command.Start)
        {
            return Errno.Overflow;
        }

        Errno errno = Find(call.Caller, command, out PageSource? source);
        if (errno != Errno.Success)
        {
            return errno;
        }

        // Device memory is neither pinned nor charged.
        PinOwner owner = call.Context.OwnerFor(call.Caller);
        ulong iova = command.Iova;
        errno = space.MapFile(
            owner,
            source!,
            command.Start,
            command.Length,
            ref iova,
            IoasMapHandler.PermissionOf(command.Flags),
            (command.Flags & IoasMapFlags.FixedIova) != IoasMapFlags.None).ToErrno();
        command.Iova = errno == Errno.Success ? iova : command.Iova;
        return errno;
    }

    /// <summary>Finds what a descriptor is to pages: a dma-buf, a file that can be pinned, or one that cannot.</summary>
    private static Errno Find(Caller caller, in IoasMapFileCommand command, out PageSource? source)
    {
        source = null;
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        if (caller.TryResolve(command.Fd, out OpenFile? file) && file is not null)
        {
            source = UnpinnableFile.Instance;
            return file is DmaBufFile buffer ? buffer.Attach(command.Start, command.Length, out source) : Errno.Success;
        }

        Errno errno = caller.TakeDescriptor(command.Fd, out Descriptor? taken);
        if (errno == Errno.Success && taken!.IsPathOnly)
        {
            taken.Dispose();
            errno = Errno.BadDescriptor;
        }

        source = errno == Errno.Success ? caller.MappedFiles.Take(taken!) : null;
        return errno;
    }
}
