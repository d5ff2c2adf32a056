namespace FastIova;

/// <summary>IOAS_COPY: maps what is mapped elsewhere, or in the same ioas, by the same pages.</summary>
internal static class IoasCopyHandler
{
    private const IoasMapFlags Known = IoasMapFlags.FixedIova | IoasMapFlags.Writeable | IoasMapFlags.Readable;

    internal static Errno Run(in IoctlCall call)
    {
        ref IoasCopyCommand command = ref call.Command<IoasCopyCommand>();
        if (call.Context.Engine.Options.TestBackend)
        {
            ConvertSource(call, ref command);
        }

        if ((command.Flags & ~Known) != IoasMapFlags.None)
        {
            return Errno.NotSupported;
        }

        if (command.Length == ulong.MaxValue || command.SrcIova == ulong.MaxValue || command.DstIova == ulong.MaxValue)
        {
            return Errno.Overflow;
        }

        if (IoasMapHandler.PermissionOf(command.Flags) == Permission.None)
        {
            return Errno.Invalid;
        }

        Errno errno = call.Objects.Get(command.SrcIoasId, out IoasObject? source);
        if (errno != Errno.Success)
        {
            return errno;
        }

        IoasObject? destination = null;
        try
        {
            errno = call.Objects.Get(command.DstIoasId, out destination);
            return errno == Errno.Success ? Copy(call, ref command, source!, destination!) : FirstError(command, source!.Space, errno);
        }
        finally
        {
            destination?.LetGo();
            source!.LetGo();
        }
    }

    private static Errno Copy(in IoctlCall call, ref IoasCopyCommand command, IoasObject source, IoasObject destination)
    {
        ulong iova = command.DstIova;
        bool isFixed = (command.Flags & IoasMapFlags.FixedIova) != IoasMapFlags.None;
        Permission permission = IoasMapHandler.PermissionOf(command.Flags);
        Errno errno = destination.Space.Copy(source.Space, command.SrcIova, command.Length, ref iova, permission, isFixed).ToErrno();
        if (errno != Errno.Success)
        {
            return errno;
        }

        command.DstIova = iova;
        return call.Respond();
    }

    // What is wrong with the source is told before the destination is looked for: see whether it could be copied anywhere.
    private static Errno FirstError(in IoasCopyCommand command, Ioas source, Errno noDestination)
    {
        using var anywhere = new Ioas();
        ulong iova = 0;
        Errno errno = anywhere.Copy(source, command.SrcIova, command.Length, ref iova, Permission.Read, fixedIova: false).ToErrno();
        anywhere.UnmapAll(out _);
        return errno == Errno.Success ? noDestination : errno;
    }

    // A number that a fuzzer can guess stands for the iova, which it cannot know.
    private static void ConvertSource(in IoctlCall call, ref IoasCopyCommand command)
    {
        const IoasMapFlags IsAreaAndOffset = (IoasMapFlags)TestConstants.AccessSyz;
        if ((command.Flags & IsAreaAndOffset) == IoasMapFlags.None)
        {
            return;
        }

        command.Flags &= ~IsAreaAndOffset;
        if (call.Objects.Get(command.SrcIoasId, out IoasObject? ioas) == Errno.Success)
        {
            command.SrcIova = ioas!.NthAreaIova(command.SrcIova);
            ioas.LetGo();
        }
    }
}
