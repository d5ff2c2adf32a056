namespace FastIova;

/// <summary>Reads and writes what stands behind a page.</summary>
/// <remarks>Threads: any, while the frame is pinned.</remarks>
internal static class FrameMemory
{
    /// <summary>Copies out of a frame.</summary>
    /// <param name="frame">A pinned frame.</param>
    /// <param name="offset">The first byte in it; the bytes may go on into the frames that follow in its run.</param>
    /// <param name="destination">Receives the bytes.</param>
    /// <returns>False when the memory is gone.</returns>
    internal static bool TryRead(Frame frame, int offset, Span<byte> destination) => frame.IsRemote
        ? MemorySpace.ByIndex(frame.SpaceIndex)?.TryRead(frame.RemoteAddress + (ulong)offset, destination) == true
        : OwnMemory.Instance.TryRead(frame.Host + (ulong)offset, destination);

    /// <summary>Copies into a frame.</summary>
    /// <param name="frame">A pinned frame.</param>
    /// <param name="offset">The first byte in it.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False when the memory is gone or cannot be written.</returns>
    internal static bool TryWrite(Frame frame, int offset, ReadOnlySpan<byte> source) => frame.IsRemote
        ? MemorySpace.ByIndex(frame.SpaceIndex)?.TryWrite(frame.RemoteAddress + (ulong)offset, source) == true
        : OwnMemory.Instance.TryWrite(frame.Host + (ulong)offset, source);
}
