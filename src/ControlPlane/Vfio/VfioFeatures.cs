using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>VFIO_DEVICE_FEATURE: low power, dma-bufs, and, of devices that were made so, migration and logs of writes.</summary>
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
            case VfioFeature.Migration when device.Migration is not null:
                errno = Check(feature, VfioDeviceConstants.FeatureGet, sizeof(ulong), out bool runs);
                return -(long)(runs ? Answer(argument, VfioMigration.Flags) : errno);

            case VfioFeature.MigrationState when device.Migration is { } migration:
                errno = Check(feature, Operations, Marshal.SizeOf<VfioMigrationChange>(), out runs);
                lock (device.Group.Gate)
                {
                    return -(long)(runs ? migration.Run(caller, argument, (feature.Flags & VfioDeviceConstants.FeatureSet) != 0) : errno);
                }

            case VfioFeature.MigrationDataSize when device.Migration is { } migration:
                errno = Check(feature, VfioDeviceConstants.FeatureGet, sizeof(ulong), out runs);
                return -(long)(runs ? Answer(argument, migration.DataBytesLast) : errno);

            case VfioFeature.MigrationPrecopyInfo2 when device.Engine.Options.Level.Has(UapiChange.VfioPrecopyInfo2):
                // Linux asks for the states before it looks at anything else.
                errno = Check(feature, VfioDeviceConstants.FeatureSet, 0, out runs);
                return -(long)(device.Migration is null ? Errno.Invalid : runs ? AskForPrecopyFlags(device) : errno);

            case VfioFeature.DmaLoggingStart when device.DmaLog is { } log:
                errno = Check(feature, VfioDeviceConstants.FeatureSet, Marshal.SizeOf<VfioDmaLoggingControl>(), out runs);
                lock (device.Group.Gate)
                {
                    return -(long)(runs ? log.Start(caller, argument) : errno);
                }

            case VfioFeature.DmaLoggingStop when device.DmaLog is not null:
                errno = Check(feature, VfioDeviceConstants.FeatureSet, 0, out runs);
                return -(long)(runs ? StopLog(device) : errno);

            case VfioFeature.DmaLoggingReport when device.DmaLog is { } log:
                errno = Check(feature, VfioDeviceConstants.FeatureGet, Marshal.SizeOf<VfioDmaLoggingReport>(), out runs);
                lock (device.Group.Gate)
                {
                    return -(long)(runs ? log.Report(caller, argument) : errno);
                }

            case VfioFeature.LowPowerEntry when device.Emulated is null:
                errno = Check(feature, VfioDeviceConstants.FeatureSet, 0, out runs);
                return -(long)(runs ? device.Power.FallAsleep(wakeup: null) : errno);

            case VfioFeature.LowPowerEntryWithWakeup when device.Emulated is null:
                errno = Check(feature, VfioDeviceConstants.FeatureSet, Marshal.SizeOf<VfioLowPowerWakeup>(), out runs);
                return -(long)(runs ? FallAsleep(device, caller, argument) : errno);

            case VfioFeature.LowPowerExit when device.Emulated is null:
                errno = Check(feature, VfioDeviceConstants.FeatureSet, 0, out runs);
                return -(long)(runs ? WakeUp(device) : errno);

            case VfioFeature.DmaBuf when device.Emulated is null && device.Engine.Options.Level.Has(UapiChange.VfioDmaBuf):
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

    private static Errno Answer(in CallArgument argument, ulong value) =>
        argument.TryWrite((ulong)Marshal.SizeOf<VfioDeviceFeature>(), MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value))) ? Errno.Success : Errno.BadAddress;

    private static Errno AskForPrecopyFlags(VfioDevice device)
    {
        device.Migration!.HasPrecopyFlags = true;
        return Errno.Success;
    }

    private static Errno StopLog(VfioDevice device)
    {
        lock (device.Group.Gate)
        {
            device.DmaLog!.Stop();
            return Errno.Success;
        }
    }

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
        return errno == Errno.Success ? device.Power.FallAsleep(taken) : errno;
    }

    private static Errno WakeUp(VfioDevice device)
    {
        device.Power.WakeUp();
        return Errno.Success;
    }
}
