namespace FastIova;

/// <summary>Answers whether a range of this process's addresses is mapped memory.</summary>
internal static class HostRange
{
    private const ulong PageBytes = 4096;
    private const ulong UserAddressLast = (1UL << 56) - 1;

    /// <summary>
    /// Whether every page of the range is mapped in this process, whatever its protection. One system call (about 0.2 µs),
    /// nothing is touched: an asynchronous msync starts no work since Linux 2.6.19 and still reports holes as ENOMEM.
    /// </summary>
    /// <param name="address">The first byte.</param>
    /// <param name="lengthLessOne">The bytes of the range, less one.</param>
    /// <returns>True when there is no hole.</returns>
    /// <remarks>Threads: any. The answer is as old as the call: whoever unmaps host memory that is mapped for devices breaks its own promise.</remarks>
    internal static bool IsMapped(ulong address, ulong lengthLessOne)
    {
        ulong last = address + lengthLessOne;
        if (last < address || last > UserAddressLast)
        {
            return false;
        }

        ulong first = address & ~(PageBytes - 1);
        ulong bytes = (last | (PageBytes - 1)) - first + 1;
        return Libc.MemorySync((nint)first, (nuint)bytes, Libc.SyncAsync) == 0;
    }
}
