using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>PCI functions for C: how they are made, and what a driver does to them. fastiova.h says what each call does.</summary>
/// <remarks>Threads: any, but close comes last.</remarks>
internal static unsafe class PciExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null; that they lead to memory of the size that the header names
    // is the promise of the C program, which no callee could check.
    [UnmanagedCallersOnly(EntryPoint = "fi_pci_open")]
    internal static int Open(nint port, NativeLayout* layout, CallbackModel.Callbacks* model, nint* function)
    {
        try
        {
            if (layout == null || model == null || function == null)
            {
                return Refusal.NoPointer(layout == null ? "layout" : model == null ? "model" : "function");
            }

            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            NativeLayout looks = default;
            CallbackModel.Callbacks calls = default;
            int refused = Sized.Read(layout, layout->Size, &looks, sizeof(NativeLayout));
            refused = refused == 0 ? Sized.Read(model, model->Size, &calls, sizeof(CallbackModel.Callbacks)) : refused;
            refused = refused == 0 ? Sized.Check(looks.Flags, NativeLayout.KnownFlags, looks.Reserved | calls.Reserved) : refused;
            if (refused != 0)
            {
                return refused;
            }

            if (calls.ReadBar == null || calls.WriteBar == null)
            {
                return Refusal.NoPointer(calls.ReadBar == null ? "read_bar" : "write_bar");
            }

            var made = new CallbackModel(looks.ToLayout(), in calls);
            *function = HandleTable.Open(new NativeFunction(new PciFunction(made, found.Port), made));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_open_named")]
    internal static int OpenNamed(nint port, byte* name, nint* function)
    {
        try
        {
            if (name == null || function == null)
            {
                return Refusal.NoPointer(name == null ? "name" : "function");
            }

            if (HandleTable.Find<NativePort>(port) is not { } found)
            {
                return Refusal.NoHandle("port");
            }

            *function = HandleTable.Open(new NativeFunction(new PciFunction(ModelCatalog.Create(Marshal.PtrToStringUTF8((nint)name)!), found.Port), null));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_close")]
    internal static int Close(nint function)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Close<NativeFunction>(function) is not { } found)
            {
                return Refusal.NoHandle("function");
            }

            found.Function.Dispose();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_reset")]
    internal static int Reset(nint function)
    {
        try
        {
            if (HandleTable.Find<NativeFunction>(function) is not { } found)
            {
                return Refusal.NoHandle("function");
            }

            found.Function.Reset();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_config_read")]
    internal static int ReadConfig(nint function, uint offset, void* data, uint length)
    {
        try
        {
            if (HandleTable.Find<NativeFunction>(function) is not { } found)
            {
                return Refusal.NoHandle("function");
            }

            if (data == null || length > int.MaxValue)
            {
                return Refusal.NoPointer("data");
            }

            found.Function.ReadConfig((int)Math.Min(offset, int.MaxValue), new Span<byte>(data, (int)length));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_config_write")]
    internal static int WriteConfig(nint function, uint offset, void* data, uint length)
    {
        try
        {
            if (HandleTable.Find<NativeFunction>(function) is not { } found)
            {
                return Refusal.NoHandle("function");
            }

            if (data == null || length > int.MaxValue)
            {
                return Refusal.NoPointer("data");
            }

            found.Function.WriteConfig((int)Math.Min(offset, int.MaxValue), new ReadOnlySpan<byte>(data, (int)length));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_bar_read")]
    internal static int ReadBar(nint function, uint bar, ulong offset, void* data, uint length)
    {
        try
        {
            if (HandleTable.Find<NativeFunction>(function) is not { } found)
            {
                return Refusal.NoHandle("function");
            }

            if (data == null || length > int.MaxValue)
            {
                return Refusal.NoPointer("data");
            }

            found.Function.ReadBar((int)Math.Min(bar, int.MaxValue), offset, new Span<byte>(data, (int)length));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_bar_write")]
    internal static int WriteBar(nint function, uint bar, ulong offset, void* data, uint length)
    {
        try
        {
            if (HandleTable.Find<NativeFunction>(function) is not { } found)
            {
                return Refusal.NoHandle("function");
            }

            if (data == null || length > int.MaxValue)
            {
                return Refusal.NoPointer("data");
            }

            found.Function.WriteBar((int)Math.Min(bar, int.MaxValue), offset, new ReadOnlySpan<byte>(data, (int)length));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_on_interrupt")]
    internal static int OnInterrupt(nint function, delegate* unmanaged<void*, uint, void> message, delegate* unmanaged<void*, int, void> pin, void* opaque)
    {
        try
        {
            if (HandleTable.Find<NativeFunction>(function) is not { } found)
            {
                return Refusal.NoHandle("function");
            }

            found.Function.OnMsi = message == null ? null : vector => message(opaque, (uint)vector);
            found.Function.OnIntx = pin == null ? null : isAsserted => pin(opaque, isAsserted ? 1 : 0);
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_message")]
    internal static int MessageOf(nint function, uint vector, ulong* address, uint* word)
    {
        try
        {
            if (HandleTable.Find<NativeFunction>(function) is not { } found)
            {
                return Refusal.NoHandle("function");
            }

            if (address == null || word == null)
            {
                return Refusal.NoPointer(address == null ? "address" : "word");
            }

            (*address, *word) = found.Function.MessageOf((int)Math.Min(vector, int.MaxValue));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }
}
