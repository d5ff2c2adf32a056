using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Contexts, their ioctls, and the files that ioctls answer, for C. fastiova.h says what each call does.</summary>
/// <remarks>Threads: any; calls on one context may run at the same time.</remarks>
internal static unsafe class ContextExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null. What the argument of an ioctl leads to is copied by the
    // engine as a kernel would, with EFAULT for memory that is not there.
    private const int Readable = 1;
    private const int Writable = 2;

    [UnmanagedCallersOnly(EntryPoint = "fi_context_open")]
    internal static int Open(nint engine, uint node, nint* context)
    {
        try
        {
            if (context == null)
            {
                return Refusal.NoPointer("context");
            }

            if (HandleTable.Find<Engine>(engine) is not { } found)
            {
                return Refusal.NoHandle("engine");
            }

            if (node > (uint)EngineNode.VfioContainer)
            {
                return Refusal.Because(Errno.NotFound, $"{node} is no node: use FI_NODE_IOMMU or FI_NODE_VFIO.");
            }

            *context = HandleTable.Open((IommufdContext)found.Open((EngineNode)node));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_context_close")]
    internal static int Close(nint context)
    {
        try
        {
            if (OpenScopes.Any)
            {
                return OpenScopes.Deadlock();
            }

            if (HandleTable.Close<IommufdContext>(context) is not { } found)
            {
                return Refusal.NoHandle("context");
            }

            found.Dispose();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_ioctl")]
    internal static long Ioctl(nint context, uint request, void* argument)
    {
        try
        {
            return OpenScopes.Any ? OpenScopes.Deadlock()
                : HandleTable.Find<IommufdContext>(context) is { } found ? found.Ioctl(request, (ulong)argument)
                : Refusal.NoHandle("context");
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_file_read")]
    internal static long Read(nint context, int file, void* buffer, nuint count)
    {
        try
        {
            return FileOf(context, file, out IommufdContext? owner) is { } found
                ? found.Read(owner!.Engine.Local, (ulong)buffer, count)
                : NoFile(owner);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_file_write")]
    internal static long Write(nint context, int file, void* data, nuint count)
    {
        try
        {
            return FileOf(context, file, out IommufdContext? owner) is { } found
                ? found.Write(owner!.Engine.Local, (ulong)data, count)
                : NoFile(owner);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_file_poll")]
    internal static int Poll(nint context, int file)
    {
        try
        {
            return FileOf(context, file, out IommufdContext? owner) is { } found
                ? (found.IsReadable ? Readable : 0) | (found.IsWritable ? Writable : 0)
                : NoFile(owner);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_file_close")]
    internal static int CloseFile(nint context, int file)
    {
        try
        {
            return OpenScopes.Any ? OpenScopes.Deadlock()
                : HandleTable.Find<IommufdContext>(context) is not { } found ? Refusal.NoHandle("context")
                : found.Close(file) ? 0
                : NoFile(found);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    private static OpenFile? FileOf(nint context, int file, out IommufdContext? owner)
    {
        owner = HandleTable.Find<IommufdContext>(context);
        return owner is not null && owner.Engine.Local.TryResolve(file, out OpenFile? found) ? found : null;
    }

    private static int NoFile(IommufdContext? owner) => owner is null
        ? Refusal.NoHandle("context")
        : Refusal.Because(Errno.BadDescriptor, "The number stands for no file of the engine: use what an ioctl answered, and not after fi_file_close.");
}
