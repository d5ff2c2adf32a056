using System.Globalization;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Which mappings a process has: one question, one system call.</summary>
/// <remarks>
/// <para>Owns: a file descriptor of <c>/proc/PID/maps</c>. It stands for the memory that the process had when it was opened:
/// after an exec it still answers for the old program, and when the process has gone it finds nothing.</para>
/// <para>Kernels before 6.11 cannot be asked for one mapping; there the whole text is read each time.</para>
/// <para>Threads: any.</para>
/// </remarks>
internal sealed unsafe class ProcessMaps : IDisposable
{
    private const uint QueryRequest = 0xc0686611; // _IOWR('f', 17, struct procmap_query)
    private const ulong QueryNextToo = 0x10; // PROCMAP_QUERY_COVERING_OR_NEXT_VMA

    private readonly int _process;
    private readonly int _fd;
    private bool _asksForText;
    private int _disposed;

    private ProcessMaps(int process, int fd)
    {
        _process = process;
        _fd = fd;
    }

    /// <summary>The mappings of this process.</summary>
    internal static ProcessMaps Own { get; } = TryOpen(Environment.ProcessId)
        ?? throw new IOException("/proc/self/maps cannot be opened: mount /proc, or raise the limit on open files.");

    /// <summary>Opens the mappings of a process.</summary>
    /// <param name="process">Its id; this process's own is always open to it.</param>
    /// <returns>The mappings, or null when the process is gone or may not be traced.</returns>
    internal static ProcessMaps? TryOpen(int process)
    {
        int fd = Libc.OpenFile(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/maps"), Libc.OpenReadOnly | Libc.OpenCloseOnExec, 0);
        return fd < 0 ? null : new ProcessMaps(process, fd);
    }

    /// <summary>Finds the mapping at an address.</summary>
    /// <param name="address">Any address.</param>
    /// <param name="region">The mapping.</param>
    /// <returns>False when nothing is mapped there, or the process is gone.</returns>
    internal bool TryFind(ulong address, out MemoryRegion region) => TryFind(address, nextToo: false, out region);

    /// <summary>Finds the mapping at an address, or else the next one above it.</summary>
    /// <param name="address">Any address.</param>
    /// <param name="region">The mapping.</param>
    /// <returns>False when there is none, or the process is gone.</returns>
    internal bool TryFindFrom(ulong address, out MemoryRegion region) => TryFind(address, nextToo: true, out region);

    /// <summary>Whether every page of a range is mapped and allows something.</summary>
    /// <param name="first">The first address.</param>
    /// <param name="last">The last address, inclusive.</param>
    /// <param name="wanted">What it must allow.</param>
    /// <returns>False when there is a hole or a mapping that does not allow it.</returns>
    internal bool Allows(ulong first, ulong last, RegionFlags wanted)
    {
        while (TryFind(first, out MemoryRegion region) && (region.Flags & wanted) == wanted)
        {
            if (region.Last >= last)
            {
                return true;
            }

            first = region.Last + 1;
        }

        return false;
    }

    /// <summary>Closes the file descriptor. The second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _ = Libc.Close(_fd);
        }
    }

    private bool TryFind(ulong address, bool nextToo, out MemoryRegion region)
    {
        region = default;
        if (!Volatile.Read(ref _asksForText))
        {
            var query = new Query { Size = (ulong)sizeof(Query), Flags = nextToo ? QueryNextToo : 0, Address = address };

            // SAFETY: the kernel reads and writes the bytes that the query says it has.
            if (Libc.IoControl(_fd, QueryRequest, &query) == 0)
            {
                region = new MemoryRegion(
                    query.Start,
                    query.End - 1,
                    (RegionFlags)(query.RegionFlags & 0xf),
                    query.PageBytes,
                    ((ulong)query.DeviceMajor << 32) | query.DeviceMinor,
                    query.Inode,
                    query.Offset);
                return true;
            }

            if (Marshal.GetLastPInvokeError() != Libc.ErrnoNotTypewriter)
            {
                return false;
            }

            Volatile.Write(ref _asksForText, true);
        }

        return ProcessMapsText.TryFind(_process, address, nextToo, out region);
    }

    /// <summary><c>struct procmap_query</c> of linux/fs.h (6.11).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Query
    {
        internal ulong Size;
        internal ulong Flags;
        internal ulong Address;
        internal ulong Start;
        internal ulong End;
        internal ulong RegionFlags;
        internal ulong PageBytes;
        internal ulong Offset;
        internal ulong Inode;
        internal uint DeviceMajor;
        internal uint DeviceMinor;
        internal uint NameBytes;
        internal uint BuildIdBytes;
        internal ulong NameAddress;
        internal ulong BuildIdAddress;
    }
}
