namespace FastIova;

/// <summary>HWPT_INVALIDATE: takes translations of a guest's table, or what its devices keep, out of the caches.</summary>
internal static class HwptInvalidateHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref HwptInvalidateCommand command = ref call.Command<HwptInvalidateCommand>();
        Errno errno = Invalidate(call, command, out uint done);

        // How far it came is told whatever happened.
        command.EntryNum = done;
        return call.Respond() == Errno.Success ? errno : Errno.BadAddress;
    }

    private static Errno Invalidate(in IoctlCall call, in HwptInvalidateCommand command, out uint done)
    {
        done = 0;
        if (command.Reserved != 0)
        {
            return Errno.NotSupported;
        }

        if (command.EntryNum != 0
            && (command.DataUptr == 0
                || command.EntryLen is 0 or > (uint)Frame.PageBytes
                || command.EntryNum > IommufdConstants.InvalidateEntriesLast))
        {
            return Errno.Invalid;
        }

        Errno errno = call.Objects.Get(command.HwptId, out UapiObject? target);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            var entries = new UserDataArray(call.Caller, command.DataType, command.DataUptr, command.EntryLen, command.EntryNum);
            return target switch
            {
                NestedHwpt hwpt => hwpt.Domain.Invalidate(entries, out done),
                ViommuObject viommu => viommu.Driver.Invalidate(entries, out done),
                _ => call.Context.Has(UapiChange.InvalidateNeedsType) ? Errno.Invalid : Errno.NotFound,
            };
        }
        finally
        {
            target!.LetGo();
        }
    }
}
