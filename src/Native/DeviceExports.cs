using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Devices of the process that are bound to a context, for C. fastiova.h says what each call does.</summary>
/// <remarks>Threads: any, but close comes last.</remarks>
internal static unsafe class DeviceExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null; that they lead to memory of the size that the header names
    // is the promise of the C program, which no callee could check.
    [UnmanagedCallersOnly(EntryPoint = "fi_device_bind")]
    internal static int Bind(nint context, nint port, DeviceSettings* options, nint* device)
    {
        try
        {
            if (device == null)
            {
                return Refusal.NoPointer("device");
            }

            if (HandleTable.Find<IommufdContext>(context) is not { } found)
            {
                return Refusal.NoHandle("context");
            }

            if (HandleTable.Find<NativePort>(port) is not { } through)
            {
                return Refusal.NoHandle("port");
            }

            DeviceSettings told = default;
            int refused = options == null ? 0 : Sized.Read(options, options->Size, &told, sizeof(DeviceSettings));
            if (refused != 0)
            {
                return refused;
            }

            if (told.ReservedLast < told.ReservedFirst)
            {
                return Refusal.Because(Errno.Invalid, $"The reserved region begins at 0x{told.ReservedFirst:x}, behind its last iova 0x{told.ReservedLast:x}.");
            }

            var made = new DeviceOptions
            {
                PasidLog2 = (int)Math.Min(told.PasidBits, int.MaxValue),
                ReservedRegions = told.ReservedLast == 0 ? [] : [new IovaSpan(told.ReservedFirst, told.ReservedLast)],
            };
            *device = HandleTable.Open(found.Bind(through.Port, made));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_device_close")]
    internal static int Close(nint device)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Close<IommufdDevice>(device) is not { } found)
            {
                return Refusal.NoHandle("device");
            }

            found.Dispose();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_device_id")]
    internal static long Id(nint device)
    {
        try
        {
            return HandleTable.Find<IommufdDevice>(device) is { } found ? found.Id : Refusal.NoHandle("device");
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_device_attach")]
    internal static int Attach(nint device, uint pasid, uint* target)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Find<IommufdDevice>(device) is not { } found)
            {
                return Refusal.NoHandle("device");
            }

            if (target == null)
            {
                return Refusal.NoPointer("target");
            }

            if (pasid == Fault.NoPasid)
            {
                // The object decides what the number is: an ioas gets, or has, an automatic hwpt.
                *target = found.Attach(new IoasId(*target)).Number;
            }
            else
            {
                found.AttachPasid(new HwptId(*target), pasid);
            }

            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_device_detach")]
    internal static int Detach(nint device, uint pasid)
    {
        try
        {
            return OpenScopes.Any ? OpenScopes.Deadlock()
                : HandleTable.Find<IommufdDevice>(device) is not { } found ? Refusal.NoHandle("device")
                : (pasid == Fault.NoPasid ? found.Detach() : found.DetachPasid(pasid)) ? 0
                : Refusal.Because(Errno.NotFound, "Nothing is attached there.");
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    /// <summary>struct fi_device_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct DeviceSettings
    {
        internal uint Size;
        internal uint PasidBits;
        internal ulong ReservedFirst;
        internal ulong ReservedLast;
    }
}
