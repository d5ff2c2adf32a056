namespace FastIova;

/// <summary>IOAS_NOIOMMU_GET_PA: says where an iova lies in memory, and how much behind it lies side by side.</summary>
/// <remarks>
/// What stands for the physical address is what a device model of this process uses: the host address of the page. Pages that lie
/// side by side there do so for such a device.
/// </remarks>
internal static class NoIommuGetPaHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref NoIommuGetPaCommand command = ref call.Command<NoIommuGetPaCommand>();
        if (!call.Caller.Has(Capability.SysRawIo))
        {
            return Errno.NotPermitted;
        }

        if ((command.Flags | command.Reserved) != 0)
        {
            return Errno.NotSupported;
        }

        if (command.Length == 0)
        {
            return Errno.Invalid;
        }

        if (command.Iova == ulong.MaxValue)
        {
            return Errno.Overflow;
        }

        Errno errno = call.Objects.Get(command.IoasId, out IoasObject? ioas);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = Find(ioas!, ref command);
        ioas!.LetGo();
        return errno == Errno.Success ? call.Respond() : errno;
    }

    private static Errno Find(IoasObject ioas, ref NoIommuGetPaCommand command)
    {
        // The first hwpt keeps what is pinned; nothing is pinned without one.
        using (ioas.HwptLock.Enter())
        {
            PagingHwpt? first = ioas.Hwpts.Count == 0 ? null : ioas.Hwpts[0];
            Domain? physical = first is { Domain.TellsPhysical: true } ? first.Domain.Table : null;
            return ioas.Space.TryPhysicalAt(physical, command.Iova, command.Length, out command.OutPhys, out command.Length).ToErrno();
        }
    }
}
