using System.Globalization;

namespace FastIova;

/// <summary>One memory object that clients map shared: a file of some kind, and the parts of it that the engine has mapped.</summary>
/// <remarks>Threads: under the lock of <see cref="BackingObjects"/>.</remarks>
internal sealed class BackingObject : PageSource, IDisposable
{
    // Address space is all that a window costs; a huge-page file would grow to its windows, which therefore end with it.
    private const ulong WindowBytes = 1UL << 30;

    private readonly BackingObjects _all;
    private readonly List<FileWindow> _windows = [];
    private Descriptor _file;
    private FileCopies? _copies;

    /// <param name="all">Where it is kept.</param>
    /// <param name="file">The file, which it owns from now on.</param>
    /// <param name="isWritable">Whether it was opened for writing.</param>
    /// <param name="lender">The process that lent it, or null.</param>
    internal BackingObject(BackingObjects all, Descriptor file, bool isWritable, ProcessHandle? lender)
        : base(PagesKind.File)
    {
        _all = all;
        _file = file;
        IsWritable = isWritable;
        Lender = lender;
    }

    /// <summary>Whether it was opened for writing.</summary>
    internal bool IsWritable { get; private set; }

    /// <summary>Whether it can be mapped for writing now.</summary>
    internal bool MapsWritable => IsWritable && !_file.IsSealedForWriting;

    /// <summary>The process that lent it, after which it cannot be opened again; null for an object that the engine opened by itself.</summary>
    internal ProcessHandle? Lender { get; }

    /// <summary>The user of that process: its other programs may have mapped it, too.</summary>
    internal uint LenderUser { get; init; }

    /// <summary>Gets one file back when it is closed; null when it was not lent.</summary>
    internal Quota? LentQuota { get; init; }

    /// <summary>By what it is known.</summary>
    internal (ulong Device, ulong Inode) Key { get; init; }

    /// <summary>Whether it holds huge pages.</summary>
    internal bool IsScarce { get; init; }

    /// <summary>The pages that are pinned, with multiplicity.</summary>
    internal ulong PinnedPages { get; set; }

    /// <summary>Pages objects that were made of it as of a file: they keep it open.</summary>
    internal int Users { get; set; }

    /// <summary>What it is now; its length may change.</summary>
    internal FileFacts? Facts => _file.Facts;

    /// <summary>Its length now.</summary>
    internal ulong Length => _file.Facts?.Length ?? 0;

    /// <summary>Reaches pages that must be writable and can only be read. Stays as long as the object.</summary>
    internal FileCopies Copies => _copies ??= new FileCopies(this);

    /// <summary>What is mapped of it.</summary>
    internal IReadOnlyList<FileWindow> Windows => _windows;

    /// <summary>Opens the object behind a mapping of a process.</summary>
    /// <returns>Null when it may not be opened.</returns>
    internal static BackingObject? TryOpen(BackingObjects all, in MemoryRegion region, int process)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/map_files/{region.First:x}-{region.Last + 1:x}");
        foreach (bool write in new[] { true, false })
        {
            if (Descriptor.TryOpen(path, write) is { } descriptor)
            {
                // The process may have mapped something else there since it was asked.
                if (descriptor.Facts is { } facts && facts.Inode == region.Inode && !descriptor.IsServedByAProgram)
                {
                    return new BackingObject(all, descriptor, write, lender: null) { Key = (region.Device, region.Inode), IsScarce = region.IsCompound };
                }

                descriptor.Dispose();
                return null;
            }
        }

        return null;
    }

    /// <summary>Takes over a descriptor with more rights.</summary>
    internal void Reopen(Descriptor better, bool isWritable)
    {
        _file.Dispose();
        _file = better;
        IsWritable = isWritable;
    }

    /// <summary>The same, from an object that is given up for this one.</summary>
    internal void Reopen(BackingObject better) => Reopen(better._file, better.IsWritable);

    /// <summary>Reads bytes of the file.</summary>
    /// <returns>False when it ends before, or cannot be read.</returns>
    internal bool TryRead(ulong offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int read = _file.ReadAt(destination, offset);
            if (read <= 0)
            {
                return false;
            }

            destination = destination[read..];
            offset += (ulong)read;
        }

        return true;
    }

    /// <summary>Writes bytes of the file, which does not grow by it.</summary>
    /// <returns>False when it ends before, or must not be written.</returns>
    internal bool TryWrite(ulong offset, ReadOnlySpan<byte> source)
    {
        ulong end = offset + (ulong)source.Length;
        while (!source.IsEmpty && end <= Length)
        {
            int written = _file.WriteAt(source, offset);
            if (written <= 0)
            {
                return false;
            }

            source = source[written..];
            offset += (ulong)written;
        }

        return source.IsEmpty;
    }

    /// <inheritdoc/>
    internal override PinStatus Pin(ulong address, ulong firstPage, ulong pages, bool write, List<FrameRun> runs) =>
        _all.PinFile(this, address, firstPage, pages, write, runs);

    /// <inheritdoc/>
    internal override void Unpin(FrameRun run) => _all.Unpin(this, run.Pages);

    /// <inheritdoc/>
    internal override void Put() => _all.Put(this);

    /// <summary>The window that an offset lies in.</summary>
    /// <param name="offset">The offset.</param>
    /// <param name="pageBytes">The size of its pages.</param>
    /// <param name="length">Its length, rounded up to whole pages.</param>
    /// <param name="write">Whether the window must be writable.</param>
    /// <param name="isNew">Whether it was mapped just now.</param>
    /// <returns>Null when it could not be mapped; a torn window is none.</returns>
    internal FileWindow? WindowAt(ulong offset, ulong pageBytes, ulong length, bool write, out bool isNew)
    {
        foreach (FileWindow window in _windows)
        {
            if (offset >= window.Offset && offset - window.Offset < window.Bytes && (window.IsWritable || !write) && !window.IsTorn)
            {
                isNew = false;
                return window;
            }
        }

        isNew = true;
        ulong start = offset & ~(WindowBytes - 1);
        bool isHuge = pageBytes > Frame.PageBytes;
        ulong bytes = isHuge ? Math.Min(WindowBytes, length - start) : WindowBytes;
        FileWindow? mapped = FileWindow.TryMap(_file, start, bytes, IsWritable, isHuge)
            ?? (write ? null : FileWindow.TryMap(_file, start, bytes, isWritable: false, isHuge));
        if (mapped is not null)
        {
            _windows.Add(mapped);
        }

        return mapped;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FileWindow window in _windows)
        {
            window.Dispose();
        }

        _copies?.Close();
        _file.Dispose();
        Lender?.Dispose();
        LentQuota?.GiveBack(1);
    }
}
