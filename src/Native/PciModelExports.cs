using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What a device model in C acts through. fastiova.h says what each call does.</summary>
/// <remarks>Threads: any.</remarks>
internal static unsafe class PciModelExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null; that they lead to memory of the size that the header names
    // is the promise of the C program, which no callee could check.
    [UnmanagedCallersOnly(EntryPoint = "fi_pci_raise_message")]
    internal static int RaiseMessage(nint function, uint vector)
    {
        try
        {
            if (HostOf(function) is not { } host)
            {
                return NoModel(function);
            }

            host.RaiseMsi((int)Math.Min(vector, int.MaxValue));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_set_pin")]
    internal static int SetPin(nint function, int asserted)
    {
        try
        {
            if (HostOf(function) is not { } host)
            {
                return NoModel(function);
            }

            host.SetIntx(asserted != 0);
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_is_bus_master")]
    internal static int IsBusMaster(nint function)
    {
        try
        {
            return HandleTable.Find<NativeFunction>(function) is { } found ? (found.Function.IsBusMaster ? 1 : 0) : Refusal.NoHandle("function");
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_pci_bar_memory")]
    internal static int BarMemory(nint function, uint bar, void** memory, ulong* bytes)
    {
        try
        {
            if (HostOf(function) is not { } host)
            {
                return NoModel(function);
            }

            if (memory == null || bytes == null)
            {
                return Refusal.NoPointer(memory == null ? "memory" : "bytes");
            }

            Span<byte> found = bar < PciBar.Count ? host.BarMemory((int)bar) : default;

            // SAFETY: the memory is mapped, not managed: it stays where it is until the function is closed.
            fixed (byte* first = found)
            {
                *memory = first;
            }

            *bytes = (ulong)found.Length;
            return found.IsEmpty ? Refusal.Because(Errno.NotFound, $"BAR {bar} is not mappable: there is no memory behind it.") : 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    private static PciDeviceHost? HostOf(nint function) => HandleTable.Find<NativeFunction>(function)?.Model?.Host;

    private static int NoModel(nint function) => HandleTable.Find<NativeFunction>(function) is null
        ? Refusal.NoHandle("function")
        : Refusal.Because(Errno.NotSupported, "The model behind the function is the library's: only models that C functions are raise interrupts by this call.");
}
