namespace FastIova;

/// <summary>
/// A file as something that is copied from and to: for pages that are pinned for writing while the engine may only read the
/// file. Whether a write is good is decided when it is tried, by the kernel.
/// </summary>
/// <remarks>Owns: its index among the memory spaces, until it is closed. Threads: any.</remarks>
internal sealed class FileCopies(BackingObject file) : MemorySpace(isRemote: true)
{
    /// <inheritdoc/>
    internal override bool TryRead(ulong address, Span<byte> destination) => file.TryRead(address, destination);

    /// <inheritdoc/>
    internal override bool TryWrite(ulong address, ReadOnlySpan<byte> source) => file.TryWrite(address, source);

    /// <inheritdoc/>
    internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs) => PinStatus.Invalid;

    /// <inheritdoc/>
    internal override void Unpin(FrameRun run)
    {
        // The file counts its pins.
    }

    /// <inheritdoc/>
    internal override bool TryIdentify(ulong address, out PageIdentity identity)
    {
        identity = new PageIdentity(new UInt128(file.Key.Device, file.Key.Inode), address & ~(Frame.PageBytes - 1));
        return true;
    }

    /// <inheritdoc/>
    internal override bool IsCompound(ulong address) => file.IsScarce;

    /// <summary>Gives the index back; no frame of it is left.</summary>
    internal void Close() => Unregister();
}
