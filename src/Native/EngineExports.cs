using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The library itself, engines and registered memory for C. fastiova.h says what each call does.</summary>
/// <remarks>Threads: any.</remarks>
internal static unsafe class EngineExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null; that they lead to memory of the size that the header names
    // is the promise of the C program, which no callee could check.

    /// <summary>The interface of fastiova.h: rises when something is added, and its name changes when something breaks.</summary>
    internal const int AbiVersion = 1;

    private const uint TestBackendFlag = 1;

    /// <summary>The loader says how many forks lie between it and this process, before any other call.</summary>
    [UnmanagedCallersOnly(EntryPoint = "fi_begin")]
    internal static int Begin(uint fork)
    {
        HandleTable.Begin(fork);
        return AbiVersion;
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_abi_version")]
    internal static int Version() => AbiVersion;

    [UnmanagedCallersOnly(EntryPoint = "fi_vector_bits")]
    internal static int VectorBits()
    {
        try
        {
            return Iommu.Isa == IsaWidth.Scalar ? 0 : (int)Iommu.Isa * 64;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_error_text")]
    internal static int ErrorText(byte* buffer, nuint size)
    {
        try
        {
            return Refusal.CopyText(buffer == null ? default : new Span<byte>(buffer, (int)Math.Min(size, int.MaxValue)));
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_open_handles")]
    internal static int OpenHandles() => HandleTable.Opened;

    [UnmanagedCallersOnly(EntryPoint = "fi_engine_open")]
    internal static int Open(EngineSettings* options, nint* engine)
    {
        try
        {
            if (engine == null)
            {
                return Refusal.NoPointer("engine");
            }

            EngineSettings told = default;
            int refused = options == null ? 0 : Sized.Read(options, options->Size, &told, sizeof(EngineSettings));
            refused = refused == 0 ? Sized.Check(told.Flags, TestBackendFlag, told.Reserved) : refused;
            if (refused != 0)
            {
                return refused;
            }

            if (told.Release != 0 && !Enum.IsDefined((UapiLevel)told.Release))
            {
                return Refusal.Because(Errno.Invalid, $"{told.Release} is no release: use FI_RELEASE_LATEST or FI_RELEASE_6_12.");
            }

            _ = Iommu.Isa; // refuses a width that this machine does not have before anything is made
            var made = new EngineOptions { TestBackend = (told.Flags & TestBackendFlag) != 0 };
            *engine = HandleTable.Open(new Engine(told.Release == 0 ? made : made with { Level = (UapiLevel)told.Release }));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_engine_close")]
    internal static int Close(nint engine)
    {
        try
        {
            if (HandleTable.Close<Engine>(engine) is not { } found)
            {
                return Refusal.NoHandle("engine");
            }

            found.Dispose();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_memory_register")]
    internal static int Register(void* address, ulong length, nint* memory)
    {
        try
        {
            if (memory == null)
            {
                return Refusal.NoPointer("memory");
            }

            *memory = HandleTable.Open(HostMemory.Register((nuint)address, length));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_memory_close")]
    internal static int Forget(nint memory)
    {
        try
        {
            if (HandleTable.Close<HostMemory>(memory) is not { } found)
            {
                return Refusal.NoHandle("memory");
            }

            found.Dispose();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    /// <summary>struct fi_engine_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct EngineSettings
    {
        internal uint Size;
        internal uint Release;
        internal uint Flags;
        internal uint Reserved;
    }
}
