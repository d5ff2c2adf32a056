using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The part of liblzma 5 (<c>lzma/base.h</c>, <c>lzma/container.h</c>) that decodes the xz format.</summary>
internal static unsafe partial class Liblzma
{
    /// <summary>The name the dynamic linker knows it by; 5 is the version of its binary interface.</summary>
    internal const string LibraryName = "liblzma.so.5";

    /// <summary>Decoder flag: one xz stream may follow another.</summary>
    internal const uint Concatenated = 0x08;

    // SAFETY: LzmaDecoder is the only caller; it passes a state in native memory that was zeroed before StreamDecoder and is
    // not touched after End. The signatures are those of liblzma 5.4, whose binary interface is stable within version 5.
    [LibraryImport(LibraryName, EntryPoint = "lzma_stream_decoder")]
    internal static partial LzmaStatus StreamDecoder(LzmaStream* stream, ulong memoryLimit, uint flags);

    [LibraryImport(LibraryName, EntryPoint = "lzma_code")]
    internal static partial LzmaStatus Code(LzmaStream* stream, LzmaAction action);

    [LibraryImport(LibraryName, EntryPoint = "lzma_end")]
    internal static partial void End(LzmaStream* stream);
}

/// <summary>What liblzma is asked to do: <c>lzma_action</c>.</summary>
internal enum LzmaAction
{
    /// <summary>More input will follow.</summary>
    Run = 0,

    /// <summary>The input given is the last.</summary>
    Finish = 3,
}

/// <summary>What liblzma answers: <c>lzma_ret</c>.</summary>
internal enum LzmaStatus
{
    /// <summary>Go on.</summary>
    Ok = 0,

    /// <summary>The last stream ended and its checks agree.</summary>
    StreamEnd = 1,

    /// <summary>The stream has no integrity check.</summary>
    NoCheck = 2,

    /// <summary>The stream has an integrity check that this liblzma does not know.</summary>
    UnsupportedCheck = 3,

    /// <summary>The kind of the integrity check is known now.</summary>
    GetCheck = 4,

    /// <summary>No memory.</summary>
    MemoryError = 5,

    /// <summary>The stream asks for more memory than was allowed.</summary>
    MemoryLimit = 6,

    /// <summary>Not the xz format.</summary>
    FormatError = 7,

    /// <summary>Options that this liblzma does not know, or a damaged header.</summary>
    OptionsError = 8,

    /// <summary>Damaged data.</summary>
    DataError = 9,

    /// <summary>No progress is possible: the input ends too early.</summary>
    BufferError = 10,

    /// <summary>The library was called wrongly.</summary>
    ProgramError = 11,
}

/// <summary>The state that caller and library share: <c>lzma_stream</c>, 136 bytes on 64-bit machines.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LzmaStream
{
    internal byte* NextIn;
    internal nuint AvailableIn;
    internal ulong TotalIn;
    internal byte* NextOut;
    internal nuint AvailableOut;
    internal ulong TotalOut;
    internal void* Allocator;
    internal void* Internal;
    private readonly nint _reservedPointer1;
    private readonly nint _reservedPointer2;
    private readonly nint _reservedPointer3;
    private readonly nint _reservedPointer4;
    private readonly ulong _seekPosition;
    private readonly ulong _reservedInteger2;
    private readonly nuint _reservedInteger3;
    private readonly nuint _reservedInteger4;
    private readonly int _reservedEnum1;
    private readonly int _reservedEnum2;
}
