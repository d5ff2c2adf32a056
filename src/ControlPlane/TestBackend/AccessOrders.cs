namespace FastIova;

/// <summary>The operations on test accesses, which are found by their file descriptors.</summary>
internal static class AccessOrders
{
    private const ulong LengthMost = 16 << 20;
    private const ulong PageOffset = Frame.PageBytes - 1;

    /// <summary>Makes an access on an ioas, with a file.</summary>
    internal static Errno Create(in IoctlCall call, ref TestCommand command)
    {
        uint flags = command.CreateAccess.Flags;
        if ((flags & ~TestConstants.AccessNeedsPinPages) != 0)
        {
            return Errno.NotSupported;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        var file = new AccessFile();
        Errno errno = AccessObject.Create(call.Context, file, (flags & TestConstants.AccessNeedsPinPages) != 0, out AccessObject? access);
        if (errno != Errno.Success)
        {
            return errno;
        }

        file.Adopt(access!);
        errno = access!.Attach(command.Id);
        if (errno == Errno.Success)
        {
            int fd = call.Caller.Install(file);
            if (fd >= 0)
            {
                command.CreateAccess.OutAccessFd = (uint)fd;
                errno = call.Respond();
                if (errno == Errno.Success)
                {
                    return Errno.Success;
                }

                call.Caller.Uninstall(fd);
            }
            else
            {
                errno = Errno.OutOfMemory;
            }
        }

        file.Close();
        return errno;
    }

    /// <summary>Attaches an access elsewhere.</summary>
    internal static Errno Replace(in IoctlCall call, in TestCommand command)
    {
        Errno errno = Find(call, command.Id, out AccessFile? file);
        return errno == Errno.Success ? file!.Access.Replace(command.AccessReplaceIoas.IoasId) : errno;
    }

    /// <summary>Pins pages, and compares them with memory if told where.</summary>
    internal static Errno Pin(in IoctlCall call, ref TestCommand command)
    {
        TestAccessPages order = command.AccessPages;
        if (order.Length > LengthMost)
        {
            return Errno.OutOfMemory;
        }

        if ((order.Flags & ~(TestConstants.AccessWrite | TestConstants.AccessSyz)) != 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = Find(call, command.Id, out AccessFile? file);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (!file!.Access.PinsPages)
        {
            return Errno.NotSupported;
        }

        ulong iova = (order.Flags & TestConstants.AccessSyz) != 0 ? file.Access.NthAreaIova(order.Iova) : order.Iova;
        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        // As many pages as the range touches; a range that wraps is refused by the pin.
        ulong pages = (((iova + order.Length + PageOffset) & ~PageOffset) - (iova & ~PageOffset)) / Frame.PageBytes;
        var frames = new Frame[Math.Min(pages, (LengthMost / Frame.PageBytes) + 1)];
        return file.Pin(call, ref command, iova, frames);
    }

    /// <summary>Gives pinned pages back.</summary>
    internal static Errno Unpin(in IoctlCall call, in TestCommand command)
    {
        Errno errno = Find(call, command.Id, out AccessFile? file);
        return errno != Errno.Success ? errno
            : file!.Unpin(command.DestroyAccessPages.AccessPagesId) ? Errno.Success
            : Errno.NotFound;
    }

    /// <summary>Reads or writes through an access.</summary>
    internal static Errno Copy(in IoctlCall call, in TestCommand command)
    {
        TestAccessRw order = command.AccessRw;
        if (order.Length > LengthMost)
        {
            return Errno.OutOfMemory;
        }

        if ((order.Flags & ~(TestConstants.RwWrite | TestConstants.RwSlowPath | TestConstants.AccessSyz)) != 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = Find(call, command.Id, out AccessFile? file);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        byte[] bytes = new byte[order.Length];
        bool isWrite = (order.Flags & TestConstants.RwWrite) != 0;
        if (isWrite && !call.Caller.Memory.TryRead(order.Uptr, bytes))
        {
            return Errno.BadAddress;
        }

        ulong iova = (order.Flags & TestConstants.AccessSyz) != 0 ? file!.Access.NthAreaIova(order.Iova) : order.Iova;

        // The slow path is the one for pages of other processes: asking for it tests that one, too.
        MemorySpace? current = (order.Flags & TestConstants.RwSlowPath) != 0 ? null : call.Caller.Memory;
        errno = isWrite ? file!.Access.Write(iova, bytes, current) : file!.Access.Read(iova, bytes, current);
        return errno == Errno.Success && !isWrite && !call.Caller.Memory.TryWrite(order.Uptr, bytes) ? Errno.BadAddress : errno;
    }

    // A descriptor that is not open answers as one of another kind does.
    private static Errno Find(in IoctlCall call, uint fd, out AccessFile? found)
    {
        found = call.Caller.TryResolve((int)fd, out OpenFile? file) ? file as AccessFile : null;
        return found is null ? Errno.BadDescriptorState : Errno.Success;
    }
}
