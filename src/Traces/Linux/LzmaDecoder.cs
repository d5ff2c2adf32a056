using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One xz decoder of liblzma and the state it shares with its caller, freed at the latest by the finalizer.</summary>
/// <remarks>
/// Owns: an <see cref="LzmaStream"/> in native memory, which the collector does not move, and what the library hangs on it.
/// Threads: one.
/// Teardown: never fails.
/// </remarks>
internal sealed unsafe class LzmaDecoder : SafeHandle
{
    /// <summary>The memory a stream may ask for: presets use at most 65 MiB, the shipped traces as much.</summary>
    internal const ulong MemoryLimit = 256UL << 20;

    /// <summary>Begins before the first byte.</summary>
    /// <exception cref="DllNotFoundException">The machine has no liblzma.</exception>
    internal LzmaDecoder()
        : base(0, ownsHandle: true)
    {
        // SAFETY: zero is the documented initial value of every field; ReleaseHandle frees what is allocated here, also
        // when the library turns out to be missing, because the handle is set first.
        SetHandle((nint)NativeMemory.AllocZeroed((nuint)sizeof(LzmaStream)));
        LzmaStatus status;
        try
        {
            status = Liblzma.StreamDecoder((LzmaStream*)handle, MemoryLimit, Liblzma.Concatenated);
        }
        catch (DllNotFoundException e)
        {
            Dispose();
            throw MissingLibrary(e);
        }

        if (status != LzmaStatus.Ok)
        {
            Dispose();
            throw new IOException($"liblzma made no decoder ({status}): it needs some KiB of free memory.");
        }
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The error of a machine without liblzma.</summary>
    /// <param name="cause">What the runtime says.</param>
    /// <returns>The exception, with the remedy.</returns>
    internal static DllNotFoundException MissingLibrary(DllNotFoundException cause) => new(
        $"{Liblzma.LibraryName} was not found, and xz files are read with it: install the Debian package liblzma5, or decompress the trace with another machine's xz -d.",
        cause);

    /// <summary>Decodes some bytes.</summary>
    /// <param name="input">Compressed bytes.</param>
    /// <param name="output">Room for decoded bytes.</param>
    /// <param name="action">Whether more input will follow.</param>
    /// <param name="consumed">The bytes of the input that were used.</param>
    /// <param name="produced">The bytes of the output that were written.</param>
    /// <returns>The answer of the library.</returns>
    internal LzmaStatus Decode(ReadOnlySpan<byte> input, Span<byte> output, LzmaAction action, out int consumed, out int produced)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);

        // SAFETY: both spans are pinned while the library holds their addresses; it holds them no longer than this call,
        // and their lengths go with them. The state lives as long as this handle, kept alive to the end of the method.
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            var stream = (LzmaStream*)handle;
            stream->NextIn = from;
            stream->AvailableIn = (nuint)input.Length;
            stream->NextOut = to;
            stream->AvailableOut = (nuint)output.Length;
            LzmaStatus status = Liblzma.Code(stream, action);
            consumed = input.Length - (int)stream->AvailableIn;
            produced = output.Length - (int)stream->AvailableOut;
            stream->NextIn = null;
            stream->NextOut = null;
            GC.KeepAlive(this);
            return status;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        // SAFETY: the last use of the state. A null Internal means that no decoder was made, perhaps for want of the library.
        var stream = (LzmaStream*)handle;
        if (stream->Internal != null)
        {
            Liblzma.End(stream);
        }

        NativeMemory.Free(stream);
        return true;
    }
}
