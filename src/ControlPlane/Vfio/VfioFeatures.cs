using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>VFIO_DEVICE_FEATURE: low power. The devices here have no migration, no virtual functions, and memory that no other device reaches.</summary>
internal static class VfioFeatures
{
    private const uint Operations = VfioDeviceConstants.FeatureGet | VfioDeviceConstants.FeatureSet;

    internal static long Run(VfioDevice device, Caller caller, in CallArgument argument)
    {
        Errno errno = VfioArgument.Read(argument, Marshal.SizeOf<VfioDeviceFeature>(), out VfioDeviceFeature feature);
        if (errno != Errno.Success)
        {
            return -(long)errno;
        }

        bool probes = (feature.Flags & VfioDeviceConstants.FeatureProbe) != 0;
        return (feature.Flags & ~(VfioDeviceConstants.FeatureMask | Operations | VfioDeviceConstants.FeatureProbe)) != 0
            || (!probes && (feature.Flags & Operations) == Operations)
            ? -(long)Errno.Invalid
            : Run(device, caller, feature, argument);
    }

    private static long Run(VfioDevice device, Caller caller, in VfioDeviceFeature feature, in CallArgument argument)
    {
        Errno errno;
        switch ((VfioFeature)(feature.Flags & VfioDeviceConstants.FeatureMask))
        {
            case VfioFeature.LowPowerEntry:
                errno = Check(feature, VfioDeviceConstants.FeatureSet, 0, out bool runs);
                return -(long)(runs ? FallAsleep(device) : errno);

            case VfioFeature.LowPowerEntryWithWakeup:
                errno = Check(feature, VfioDeviceConstants.FeatureSet, Marshal.SizeOf<VfioLowPowerWakeup>(), out runs);
                return -(long)(runs ? FallAsleep(device, caller, argument) : errno);

            case VfioFeature.LowPowerExit:
                errno = Check(feature, VfioDeviceConstants.FeatureSet, 0, out runs);
                return -(long)(runs ? WakeUp(device) : errno);

            case VfioFeature.DmaBuf when device.Engine.Options.Level.Has(UapiChange.VfioDmaBuf):
                errno = Check(feature, VfioDeviceConstants.FeatureGet, Marshal.SizeOf<VfioDmaBufExport>(), out runs);
                return runs ? device.DmaBufs.Export(caller, argument) : -(long)errno;

            default:
                return -(long)Errno.NotATypewriter;
        }
    }

    private static Errno Check(in VfioDeviceFeature feature, uint supported, int bytes, out bool runs)
    {
        runs = false;
        uint operation = feature.Flags & Operations;
        if ((operation & ~supported) != 0)
        {
            return Errno.Invalid;
        }

        if ((feature.Flags & VfioDeviceConstants.FeatureProbe) != 0)
        {
            return Errno.Success;
        }

        runs = operation != 0 && feature.ArgSz - (uint)Marshal.SizeOf<VfioDeviceFeature>() >= (uint)bytes;
        return Errno.Invalid;
    }

    private static Errno FallAsleep(VfioDevice device)
    {
        lock (device.Group.Gate)
        {
            Errno errno = device.IsAsleep ? Errno.Invalid : Errno.Success;
            device.IsAsleep = true;
            return errno;
        }
    }

    // A device that has no events of its own while it sleeps never signals; every access wakes it for as long as it lasts.
    private static Errno FallAsleep(VfioDevice device, Caller caller, in CallArgument argument)
    {
        VfioLowPowerWakeup wakeup = default;
        if (!argument.TryRead((ulong)Marshal.SizeOf<VfioDeviceFeature>(), MemoryMarshal.AsBytes(new Span<VfioLowPowerWakeup>(ref wakeup))))
        {
            return Errno.BadAddress;
        }

        if (wakeup.WakeupEventfd < 0)
        {
            return Errno.Invalid;
        }

        Errno errno = VfioInterrupts.Take(caller, wakeup.WakeupEventfd, out EventDescriptor? taken);
        taken?.Dispose();
        return errno == Errno.Success ? FallAsleep(device) : errno;
    }

    private static Errno WakeUp(VfioDevice device)
    {
        lock (device.Group.Gate)
        {
            device.IsAsleep = false;
            return Errno.Success;
        }
    }
}
