namespace FastIova;

/// <summary>
/// A file as something that is copied from and to: for pages that are pinned for writing while the engine may only read the
/// file. Whether a write goes through is decided when it is tried, by the kernel; what does not, because of a seal or because
/// the file is not the engine's to write, is kept here: whoever reads through the engine sees it, whoever has the file does not.
/// </summary>
/// <remarks>
/// <para>Owns: its index among the memory spaces, and the pages that differ from the file, until it is closed.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed class FileCopies(BackingObject file) : MemorySpace(isRemote: true)
{
    private const ulong PageOffset = Frame.PageBytes - 1;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, byte[]> _kept = [];

    /// <inheritdoc/>
    internal override bool TryRead(ulong address, Span<byte> destination)
    {
        lock (_lock)
        {
            if (!file.TryRead(address, destination))
            {
                return false;
            }

            for (int done = 0; _kept.Count != 0 && done < destination.Length; done += PartAt(address, done, destination.Length))
            {
                if (_kept.TryGetValue((address + (ulong)done) & ~PageOffset, out byte[]? page))
                {
                    int offset = (int)((address + (ulong)done) & PageOffset);
                    page.AsSpan(offset, PartAt(address, done, destination.Length)).CopyTo(destination[done..]);
                }
            }

            return true;
        }
    }

    /// <inheritdoc/>
    internal override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        lock (_lock)
        {
            if (_kept.Count == 0 && file.TryWrite(address, source))
            {
                return true;
            }

            for (int done = 0; done < source.Length; done += PartAt(address, done, source.Length))
            {
                ulong at = address + (ulong)done;
                if (!TryKeep(at & ~PageOffset, out byte[] page))
                {
                    return false;
                }

                source.Slice(done, PartAt(address, done, source.Length)).CopyTo(page.AsSpan((int)(at & PageOffset)));
            }

            return true;
        }
    }

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
        identity = new PageIdentity(new UInt128(file.Key.Device, file.Key.Inode), address & ~PageOffset);
        return true;
    }

    /// <inheritdoc/>
    internal override bool IsCompound(ulong address) => file.IsScarce;

    /// <summary>Gives the index back; no frame of it is left.</summary>
    internal void Close() => Unregister();

    // The bytes up to the end of the page, or of what is copied.
    private static int PartAt(ulong address, int done, int length) =>
        (int)Math.Min((ulong)(length - done), Frame.PageBytes - ((address + (ulong)done) & PageOffset));

    private bool TryKeep(ulong address, out byte[] page)
    {
        if (_kept.TryGetValue(address, out byte[]? kept))
        {
            page = kept;
            return true;
        }

        page = new byte[Frame.PageBytes];
        if (!file.TryRead(address, page))
        {
            return false;
        }

        _kept.Add(address, page);
        return true;
    }
}
