namespace FastIova;

/// <summary>HWPT_SET_DIRTY_TRACKING: turns the marking of written pages on, beginning with none, or off.</summary>
internal static class HwptSetDirtyTrackingHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref HwptSetDirtyTrackingCommand command = ref call.Command<HwptSetDirtyTrackingCommand>();
        if ((command.Flags & ~IommufdConstants.DirtyTrackingEnable) != 0)
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
            PagingDomain domain = hwpt!.Domain;
            bool isOn = (command.Flags & IommufdConstants.DirtyTrackingEnable) != 0;
            return domain.HasDirtyTracking ? hwpt.Ioas.Space.SetDirtyTracking(domain.Table, isOn).ToErrno() : Errno.NotSupported;
        }
        finally
        {
            hwpt!.LetGo();
        }
    }
}
