namespace FastIova;

/// <summary>Copies from and to memory of this process that is known to be there.</summary>
/// <remarks>Threads: any. Bytes that another thread or a device writes meanwhile may be old or new.</remarks>
internal static unsafe class HostCopy
{
    // SAFETY: in both methods the caller knows the range from KnownMemory, whose owner keeps it mapped and accessible.
    internal static void Read(ulong address, Span<byte> destination) =>
        new ReadOnlySpan<byte>((void*)address, destination.Length).CopyTo(destination);

    internal static void Write(ulong address, ReadOnlySpan<byte> source) =>
        source.CopyTo(new Span<byte>((void*)address, source.Length));
}
