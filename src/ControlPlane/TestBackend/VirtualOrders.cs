namespace FastIova;

/// <summary>The operations on mock devices that a guest has.</summary>
internal static class VirtualOrders
{
    /// <summary>Compares an entry of the cache of a mock device.</summary>
    internal static Errno CheckCache(in IoctlCall call, uint deviceId, in TestCheckDevCache check)
    {
        Errno errno = call.Objects.Get(deviceId, out DeviceObject? device);
        if (errno != Errno.Success)
        {
            return errno;
        }

        bool isEqual = device!.Hardware is MockDevice mock && mock.Caches(check.Id, check.Cache);
        device.LetGo();
        return isEqual ? Errno.Success : Errno.Invalid;
    }

    /// <summary>Lets a mock device tell its virtual IOMMU something.</summary>
    internal static Errno Trigger(in IoctlCall call, uint deviceId)
    {
        Errno errno = call.Objects.Get(deviceId, out DeviceObject? device);
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = device!.Hardware is MockDevice mock ? mock.TellGuest() : Errno.Invalid;
        device.LetGo();
        return errno;
    }
}
