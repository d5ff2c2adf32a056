namespace FastIova;

/// <summary>Any open file that is not memory: a pipe, a socket, a file on a disk. It can be mapped as long as nobody looks.</summary>
/// <remarks>Nothing of the file is kept: what could never be pinned need not stay open. Threads: any.</remarks>
internal sealed class UnpinnableFile : PageSource
{
    private UnpinnableFile()
        : base(PagesKind.File)
    {
    }

    internal static UnpinnableFile Instance { get; } = new();

    /// <inheritdoc/>
    internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs) => PinStatus.Invalid;

    /// <inheritdoc/>
    internal override void Unpin(FrameRun run)
    {
        // Nothing was pinned.
    }
}
