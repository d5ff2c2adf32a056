namespace FastIova;

/// <summary>What kind of thing pages are pages of.</summary>
internal enum PagesKind
{
    /// <summary>The memory of a process, as it is mapped there when a page is pinned.</summary>
    Memory = 0,

    /// <summary>A file, whoever maps it.</summary>
    File,

    /// <summary>Memory of a device, by a dma-buf: it is not pinned, and its owner may take it away.</summary>
    Device,
}

/// <summary>Where the frames of pages come from.</summary>
/// <remarks>
/// Invariants. A frame stays usable from the pin that handed it out to the unpin that gives it back, as far as its kind says.
/// No method throws, as some are called under locks: what is gone is an answer. Threads: any.
/// </remarks>
internal abstract class PageSource
{
    private protected PageSource(PagesKind kind) => Kind = kind;

    /// <summary>What it is.</summary>
    internal PagesKind Kind { get; }

    /// <summary>Whether a device's memory was taken away: nothing of it may be mapped any more.</summary>
    internal virtual bool IsRevoked => false;

    /// <summary>Pins pages that are known to have neighbouring frames, if that takes no time; otherwise <see cref="Pin"/> is asked.</summary>
    /// <param name="address">Where the first page begins in the source, a multiple of 4 KiB.</param>
    /// <param name="firstPage">The index that the first page has in the run.</param>
    /// <param name="pages">How many, at least one.</param>
    /// <param name="write">Whether the pages must be writable.</param>
    /// <param name="run">The frames.</param>
    internal virtual bool TryPinRun(ulong address, ulong firstPage, ulong pages, bool write, out FrameRun run)
    {
        run = default;
        return false;
    }

    /// <summary>Finds the frames of pages, makes memory for those that have none, and keeps them usable.</summary>
    /// <param name="address">Where the first page begins in the source, a multiple of 4 KiB.</param>
    /// <param name="firstPage">The index that the first page has in the runs.</param>
    /// <param name="pages">How many, at least one.</param>
    /// <param name="write">Whether the pages must be writable.</param>
    /// <param name="runs">Receives the frames in ascending order; nothing on a failure.</param>
    internal abstract PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs);

    /// <summary>Gives frames back that <see cref="Pin"/> handed out. A run may be given back in parts. Never fails.</summary>
    internal abstract void Unpin(FrameRun run);

    /// <summary>An ioas has mapped pages of the source, or has taken such a mapping away.</summary>
    /// <param name="user">Whom to tell of a revocation.</param>
    /// <param name="isNew">Whether the mapping is new.</param>
    internal virtual void CountUser(IRevocationUser user, bool isNew)
    {
        // Only device memory can be revoked.
    }

    /// <summary>Ends the reference of pages that were made of it. Never fails.</summary>
    internal virtual void Put()
    {
        // A process's memory is kept by others.
    }
}
