using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Ports and scopes for C. fastiova.h says what each call does.</summary>
/// <remarks>Threads: a port is used by one at a time, except for attach and detach.</remarks>
internal static unsafe class PortExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null; that they lead to memory of the size that the header names
    // is the promise of the C program, which no callee could check.
    [UnmanagedCallersOnly(EntryPoint = "fi_port_open")]
    internal static int Open(nint engine, PortOptions* options, nint* port)
    {
        try
        {
            if (port == null)
            {
                return Refusal.NoPointer("port");
            }

            if (HandleTable.Find<Engine>(engine) is not { } found)
            {
                return Refusal.NoHandle("engine");
            }

            var made = new DmaPortOptions();
            if (options != null)
            {
                PortOptions told = default;
                int refused = Sized.Read(options, options->Size, &told, sizeof(PortOptions));
                refused = refused == 0 ? Sized.Check(0, 0, told.Reserved) : refused;
                if (refused != 0)
                {
                    return refused;
                }

                if (told.Kind > (uint)ReaderKind.SingleShot)
                {
                    return Refusal.Because(Errno.Invalid, $"{told.Kind} is no kind of port: use FI_PORT_BATCH or FI_PORT_SINGLE.");
                }

                made = made with
                {
                    Name = told.Name == null ? made.Name : Marshal.PtrToStringUTF8((nint)told.Name)!,
                    Device = told.Device,
                    Kind = (ReaderKind)told.Kind,
                };
            }

            *port = HandleTable.Open(new NativePort(found.Iommu.OpenPort(made)));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_close")]
    internal static int Close(nint port)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Close<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            found.Port.Dispose();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_attach")]
    internal static int Attach(nint port, nint domain, uint pasid)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            if (HandleTable.Find<Domain>(domain) is not { } to)
            {
                return Refusal.NoHandle("domain");
            }

            found.Port.Attach(to, pasid);
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_port_detach")]
    internal static int Detach(nint port, uint pasid)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            return HandleTable.Find<NativePort>(port) is not { } found ? Refusal.NoHandle("port")
                : found.Port.Detach(pasid) ? 0
                : Refusal.Because(Errno.NotFound, "Nothing is attached there.");
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_scope_enter")]
    internal static int Enter(nint port)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            if (found.Depth == 0)
            {
                found.Port.BeginScope();
            }

            found.Depth++;
            OpenScopes.Entered();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_scope_leave")]
    internal static int Leave(nint port)
    {
        try
        {
            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            if (found.Depth == 0 || !OpenScopes.Any)
            {
                return Refusal.Because(Errno.Invalid, "The port is in no scope of this thread: leave it as often as you enter it, on the same thread.");
            }

            OpenScopes.Left();
            if (--found.Depth == 0)
            {
                found.Port.EndScope();
            }

            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    /// <summary>struct fi_port_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PortOptions
    {
        internal uint Size;
        internal uint Device;
        internal uint Kind;
        internal uint Reserved;
        internal byte* Name;
    }
}
