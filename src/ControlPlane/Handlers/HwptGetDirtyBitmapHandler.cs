namespace FastIova;

/// <summary>HWPT_GET_DIRTY_BITMAP: sets a bit for each page that was written.</summary>
/// <remarks>
/// Only a range that makes no sense is an error. Holes in it, a bitmap that cannot be written, or tracking that is off are not:
/// the bits stay as they were there.
/// </remarks>
internal static class HwptGetDirtyBitmapHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref HwptGetDirtyBitmapCommand command = ref call.Command<HwptGetDirtyBitmapCommand>();
        if ((command.Flags & ~IommufdConstants.DirtyBitmapNoClear) != 0 || command.Reserved != 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = call.Objects.Get(command.HwptId, out PagingHwpt? hwpt);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            errno = CheckRange(command, hwpt!.Ioas.Space.Alignment);
            return errno == Errno.Success ? Read(call, command, hwpt) : errno;
        }
        finally
        {
            hwpt!.LetGo();
        }
    }

    private static Errno CheckRange(in HwptGetDirtyBitmapCommand command, ulong alignment)
    {
        if (command.Length == 0)
        {
            return Errno.Invalid;
        }

        ulong last = command.Iova + command.Length - 1;
        if (last < command.Iova)
        {
            return Errno.Overflow;
        }

        // The size of a bit needs not be a power of two to pass; only its lowest bit counts from here on.
        ulong ends = command.Iova | (last + 1);
        return (ends & (alignment - 1)) != 0
            || command.PageSize == 0
            || (ends & (command.PageSize - 1)) != 0
            ? Errno.Invalid
            : Errno.Success;
    }

    private static Errno Read(in IoctlCall call, in HwptGetDirtyBitmapCommand command, PagingHwpt hwpt)
    {
        if (!hwpt.Domain.HasDirtyTracking)
        {
            return Errno.NotSupported;
        }

        if (FaultPoint.Fails() || FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        var bitmap = new UserBitmap(call.Caller.Memory, command.Data, command.Iova, command.Length, command.PageSize);
        bool clears = (command.Flags & IommufdConstants.DirtyBitmapNoClear) == 0;
        hwpt.Domain.ReadDirty(hwpt.Ioas.Space, command.Iova, command.Length, command.PageSize, clears, bitmap.Add);
        bitmap.Flush();
        return Errno.Success;
    }
}
