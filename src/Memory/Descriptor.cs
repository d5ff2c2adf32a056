using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What a file is, whoever opened it.</summary>
/// <param name="Device">The number of its file system, major in the upper half.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="BlockBytes">The size in which it is best read: for hugetlb files, that of its pages.</param>
/// <param name="AllocatedBytes">The bytes for which there is memory, or room on a disk: as many as the length when nothing is a hole.</param>
/// <param name="IsRegular">Whether it is a file in the narrow sense: no folder, pipe, socket or device.</param>
internal readonly record struct FileFacts(ulong Device, ulong Inode, ulong Length, ulong BlockBytes, ulong AllocatedBytes, bool IsRegular);

/// <summary>A file descriptor of this process that is closed once.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed unsafe partial class Descriptor : IDisposable
{
    private const ulong BlockUnit = 512;

    private int _number;

    /// <param name="number">An open descriptor, which this object owns from now on.</param>
    internal Descriptor(int number) => _number = number;

    /// <summary>The number; -1 once it is closed.</summary>
    internal int Number => Volatile.Read(ref _number);

    /// <summary>Opens a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="write">Whether to write, too.</param>
    /// <returns>The descriptor, close-on-exec, or null when the file cannot be opened so.</returns>
    internal static Descriptor? TryOpen(string path, bool write)
    {
        int fd = Libc.OpenFile(path, (write ? Libc.OpenReadWrite : Libc.OpenReadOnly) | Libc.OpenCloseOnExec, 0);
        return fd < 0 ? null : new Descriptor(fd);
    }

    /// <summary>Takes a number that nothing else in this process has while it is open.</summary>
    /// <returns>Null when the limit on open files is reached.</returns>
    internal static Descriptor? TryReserve()
    {
        int fd = Libc.MemoryFileCreate("fastiova-number", Libc.MemfdCloseOnExec);
        return fd < 0 ? null : new Descriptor(fd);
    }

    /// <summary>Who owns the file; null when it is closed.</summary>
    internal uint? Owner
    {
        get
        {
            Libc.FileStatusWords status;

            // SAFETY: the kernel writes one struct.
            return Libc.FileStatus(Number, &status) == 0 ? status.Owner : null;
        }
    }

    /// <summary>What the descriptor stands for; null when it is closed.</summary>
    internal FileFacts? Facts => FactsOf(Number);

    /// <summary>What a descriptor of this process stands for.</summary>
    /// <param name="number">The descriptor.</param>
    /// <returns>Null when it is not open.</returns>
    internal static FileFacts? FactsOf(int number)
    {
        Libc.FileStatusWords status;

        // SAFETY: the kernel writes one struct.
        if (Libc.FileStatus(number, &status) != 0)
        {
            return null;
        }

        // dev_t as glibc packs it; the kernel shows mappings with major and minor apart.
        ulong major = ((status.Device >> 8) & 0xfff) | ((status.Device >> 32) & ~0xfffUL);
        ulong minor = (status.Device & 0xff) | ((status.Device >> 12) & 0xffffff00);
        return new FileFacts(
            (major << 32) | (uint)minor,
            status.Inode,
            status.Length,
            status.BlockBytes,
            status.Blocks * BlockUnit,
            (status.Mode & Libc.ModeKindMask) == Libc.ModeRegular);
    }

    /// <summary>A second descriptor for an open file.</summary>
    /// <param name="number">A descriptor, which stays its owner's.</param>
    /// <returns>Null when it is not open, or the limit on open files is reached.</returns>
    internal static Descriptor? TryDuplicate(int number)
    {
        const int DuplicateCloseOnExec = 1030;
        int fd = Libc.FileControl(number, DuplicateCloseOnExec, 0);
        return fd < 0 ? null : new Descriptor(fd);
    }

    /// <summary>Reads at an offset.</summary>
    /// <returns>The bytes read, or a negative errno.</returns>
    internal int ReadAt(Span<byte> buffer, ulong offset)
    {
        // SAFETY: the kernel writes into the span only.
        fixed (byte* start = buffer)
        {
            nint read = Libc.ReadAt(Number, start, (nuint)buffer.Length, (long)offset);
            return read < 0 ? -Marshal.GetLastPInvokeError() : (int)read;
        }
    }

    /// <summary>Writes at an offset.</summary>
    /// <returns>The bytes written, or a negative errno.</returns>
    internal int WriteAt(ReadOnlySpan<byte> bytes, ulong offset)
    {
        // SAFETY: the kernel reads the span only.
        fixed (byte* start = bytes)
        {
            nint written = Libc.WriteAt(Number, start, (nuint)bytes.Length, (long)offset);
            return written < 0 ? -Marshal.GetLastPInvokeError() : (int)written;
        }
    }

    /// <summary>Closes it. The second call does nothing.</summary>
    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref _number, -1);
        if (fd >= 0)
        {
            _ = Libc.Close(fd);
        }
    }
}
