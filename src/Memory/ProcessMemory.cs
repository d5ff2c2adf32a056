using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Copies from and to the memory of a process, this one or another, without trusting its addresses.</summary>
/// <remarks>
/// The kernel checks every page as the process itself would be checked: a hole, PROT_NONE, or a write to what is read-only
/// fails, and a page that was never touched is faulted in. Another process must be one that the caller may trace.
/// Threads: any.
/// </remarks>
internal static unsafe class ProcessMemory
{
    private const ulong PageBytes = 4096;

    // The kernel takes this many pieces in a call (UIO_MAXIOV is 1024); a quarter is as fast and fits on the stack.
    private const int PiecesAtOnce = 256;

    /// <summary>Copies out of a process.</summary>
    /// <param name="process">Its id.</param>
    /// <param name="address">The first byte there; any value.</param>
    /// <param name="destination">Receives the bytes; in part when the copy fails.</param>
    /// <param name="copied">How many bytes were copied.</param>
    /// <returns>Whether all were.</returns>
    internal static bool TryRead(int process, ulong address, Span<byte> destination, out int copied)
    {
        copied = 0;

        // SAFETY: in both methods the local piece lies in the caller's span; the kernel checks the other side.
        fixed (byte* start = destination)
        {
            while (copied < destination.Length)
            {
                var local = new Libc.IoVector { Start = (nuint)(start + copied), Bytes = (nuint)(destination.Length - copied) };
                var remote = new Libc.IoVector { Start = (nuint)address + (nuint)copied, Bytes = local.Bytes };
                if (!IsAnswered(Libc.ProcessRead(process, &local, 1, &remote, 1, 0), ref copied))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Copies out of a process.</summary>
    /// <returns>Whether every byte was copied.</returns>
    internal static bool TryRead(int process, ulong address, Span<byte> destination) => TryRead(process, address, destination, out _);

    /// <summary>Copies into a process.</summary>
    /// <param name="process">Its id.</param>
    /// <param name="address">The first byte there; any value.</param>
    /// <param name="source">The bytes; written in part when the copy fails.</param>
    /// <param name="copied">How many bytes were copied.</param>
    /// <returns>Whether all were.</returns>
    internal static bool TryWrite(int process, ulong address, ReadOnlySpan<byte> source, out int copied)
    {
        copied = 0;
        fixed (byte* start = source)
        {
            while (copied < source.Length)
            {
                var local = new Libc.IoVector { Start = (nuint)(start + copied), Bytes = (nuint)(source.Length - copied) };
                var remote = new Libc.IoVector { Start = (nuint)address + (nuint)copied, Bytes = local.Bytes };
                if (!IsAnswered(Libc.ProcessWrite(process, &local, 1, &remote, 1, 0), ref copied))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Copies into a process.</summary>
    /// <returns>Whether every byte was copied.</returns>
    internal static bool TryWrite(int process, ulong address, ReadOnlySpan<byte> source) => TryWrite(process, address, source, out _);

    /// <summary>Reads one byte of each page, so that every page is there, or one is found that cannot be read.</summary>
    /// <param name="process">Its id.</param>
    /// <param name="address">The first page's address.</param>
    /// <param name="pages">How many.</param>
    /// <returns>Whether every page can be read. Whether it can be written is a question to <see cref="ProcessMaps"/>.</returns>
    internal static bool TryTouch(int process, ulong address, ulong pages)
    {
        byte* bytes = stackalloc byte[PiecesAtOnce];
        Libc.IoVector* pieces = stackalloc Libc.IoVector[PiecesAtOnce];

        // SAFETY: both arrays have PiecesAtOnce elements, of which count are used.
        while (pages != 0)
        {
            int count = (int)Math.Min(pages, PiecesAtOnce);
            for (int i = 0; i < count; i++)
            {
                pieces[i] = new Libc.IoVector { Start = (nuint)address + (nuint)((ulong)i * PageBytes), Bytes = 1 };
            }

            var local = new Libc.IoVector { Start = (nuint)bytes, Bytes = (nuint)count };
            nint read = Libc.ProcessRead(process, &local, 1, pieces, (nuint)count, 0);
            if (read <= 0 && Marshal.GetLastPInvokeError() != Libc.ErrnoInterrupted)
            {
                return false;
            }

            read = Math.Max(read, 0);
            address += (ulong)read * PageBytes;
            pages -= (ulong)read;
        }

        return true;
    }

    /// <summary>Faults pages of this process in, as a device's access would need them.</summary>
    /// <param name="address">The first page's address; any value.</param>
    /// <param name="bytes">A multiple of 4 KiB, modulo 2^64.</param>
    /// <param name="write">Whether they must be writable; copies pages that are shared until written.</param>
    /// <returns>Whether every page is there and allows it.</returns>
    internal static bool TryPopulate(ulong address, ulong bytes, bool write)
    {
        if (bytes == 0)
        {
            return false; // all of 2^64 bytes, which the kernel would take for none
        }

        // The kernel reports what no program may fault in (holes ENOMEM, no permission EFAULT or EINVAL, poison EHWPOISON).
        while (Libc.MemoryAdvise((nint)address, (nuint)bytes, write ? Libc.AdvisePopulateWrite : Libc.AdvisePopulateRead) != 0)
        {
            if (Marshal.GetLastPInvokeError() is not (Libc.ErrnoInterrupted or Libc.ErrnoAgain))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsAnswered(nint moved, ref int copied)
    {
        if (moved > 0)
        {
            copied += (int)moved;
            return true;
        }

        return moved < 0 && Marshal.GetLastPInvokeError() == Libc.ErrnoInterrupted;
    }
}
