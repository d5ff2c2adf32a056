namespace FastIova;

/// <summary>HWPT_ALLOC: makes a paging hwpt on an ioas, or a nested one on a paging one or on a virtual IOMMU.</summary>
internal static class HwptAllocHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref HwptAllocCommand command = ref call.Command<HwptAllocCommand>();
        if (command.Reserved != 0)
        {
            return Errno.NotSupported;
        }

        // A type without data, or data without a type.
        if ((command.DataType == (uint)HwptDataType.None) != (command.DataLen == 0))
        {
            return Errno.Invalid;
        }

        Errno errno = call.Objects.Get(command.DevId, out DeviceObject? device);
        if (errno != Errno.Success)
        {
            return errno;
        }

        UapiObject? target = null;
        try
        {
            if (call.Objects.Get(command.PtId, out target) != Errno.Success)
            {
                return Errno.Invalid;
            }

            var data = new UserData(call.Caller, command.DataType, command.DataUptr, command.DataLen);
            switch (target)
            {
                case IoasObject ioas:
                    // Held until the hwpt is published or gone: nobody else sees it in the list half made.
                    using (ioas.HwptLock.Enter())
                    {
                        errno = PagingHwpt.Create(ioas, device!, command.Flags, data, attachFor: null, out PagingHwpt? paging);
                        return errno == Errno.Success ? Finish(call, ref command, paging!) : errno;
                    }

                case PagingHwpt parent:
                    errno = NestedHwpt.Create(parent, device!, command.Flags, data, out NestedHwpt? nested);
                    return errno == Errno.Success ? Finish(call, ref command, nested!) : errno;

                case ViommuObject viommu:
                    errno = NestedHwpt.Create(viommu, device!, command.Flags, data, out NestedHwpt? guests);
                    return errno == Errno.Success ? Finish(call, ref command, guests!) : errno;

                default:
                    return Errno.Invalid;
            }
        }
        finally
        {
            target?.LetGo();
            device!.LetGo();
        }
    }

    private static Errno Finish(in IoctlCall call, ref HwptAllocCommand command, Hwpt hwpt)
    {
        Errno errno = Errno.Success;
        if ((command.Flags & HwptAllocFlags.FaultIdValid) != HwptAllocFlags.None)
        {
            errno = call.Objects.Get(command.FaultId, out FaultQueue? queue);
            if (errno == Errno.Success)
            {
                hwpt.SendFaultsTo(queue!);
                queue!.LetGo();
            }
        }

        if (errno != Errno.Success)
        {
            call.Objects.Abort(hwpt);
            return errno;
        }

        command.OutHwptId = hwpt.Id;
        return call.Publish(hwpt);
    }
}
