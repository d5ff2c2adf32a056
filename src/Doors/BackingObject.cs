using System.Globalization;

namespace FastIova;

/// <summary>One memory object that clients map shared: a file of some kind, and the parts of it that the engine has mapped.</summary>
/// <remarks>Threads: under the lock of <see cref="BackingObjects"/>.</remarks>
internal sealed class BackingObject(Descriptor file, bool isWritable, ProcessHandle? lender) : IDisposable
{
    // Address space is all that a window costs; a huge-page file would grow to its windows, which therefore end with it.
    private const ulong WindowBytes = 1UL << 30;

    private readonly List<FileWindow> _windows = [];
    private Descriptor _file = file;

    /// <summary>Whether it was opened for writing.</summary>
    internal bool IsWritable { get; private set; } = isWritable;

    /// <summary>The process that lent it, after which it cannot be opened again; null for an object that the engine opened by itself.</summary>
    internal ProcessHandle? Lender { get; } = lender;

    /// <summary>By what it is known.</summary>
    internal (ulong Device, ulong Inode) Key { get; set; }

    /// <summary>Whether it holds huge pages.</summary>
    internal bool IsScarce { get; set; }

    /// <summary>The pages that are pinned, with multiplicity.</summary>
    internal ulong PinnedPages { get; set; }

    /// <summary>Its length now.</summary>
    internal ulong Length => _file.Facts?.Length ?? 0;

    /// <summary>What is mapped of it.</summary>
    internal IReadOnlyList<FileWindow> Windows => _windows;

    /// <summary>Opens the object behind a mapping of a process.</summary>
    /// <returns>Null when it may not be opened.</returns>
    internal static BackingObject? TryOpen(in MemoryRegion region, int process)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/map_files/{region.First:x}-{region.Last + 1:x}");
        foreach (bool write in new[] { true, false })
        {
            if (Descriptor.TryOpen(path, write) is { } descriptor)
            {
                // The process may have mapped something else there since it was asked.
                if (descriptor.Facts is { } facts && facts.Inode == region.Inode)
                {
                    return new BackingObject(descriptor, write, lender: null);
                }

                descriptor.Dispose();
                return null;
            }
        }

        return null;
    }

    /// <summary>Takes over a descriptor with more rights.</summary>
    internal void Reopen(BackingObject better)
    {
        _file.Dispose();
        _file = better._file;
        IsWritable = better.IsWritable;
    }

    /// <summary>The window that an offset lies in.</summary>
    /// <param name="offset">The offset.</param>
    /// <param name="pageBytes">The size of its pages.</param>
    /// <param name="length">Its length, rounded up to whole pages.</param>
    /// <param name="write">Whether the window must be writable.</param>
    /// <param name="isNew">Whether it was mapped just now.</param>
    /// <returns>Null when it could not be mapped.</returns>
    internal FileWindow? WindowAt(ulong offset, ulong pageBytes, ulong length, bool write, out bool isNew)
    {
        foreach (FileWindow window in _windows)
        {
            if (offset >= window.Offset && offset - window.Offset < window.Bytes && (window.IsWritable || !write))
            {
                isNew = false;
                return window;
            }
        }

        isNew = true;
        ulong start = offset & ~(WindowBytes - 1);
        ulong bytes = pageBytes > Frame.PageBytes ? Math.Min(WindowBytes, length - start) : WindowBytes;
        FileWindow? mapped = FileWindow.TryMap(_file, start, bytes, IsWritable) ?? (write ? null : FileWindow.TryMap(_file, start, bytes, isWritable: false));
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

        _file.Dispose();
        Lender?.Dispose();
    }
}
