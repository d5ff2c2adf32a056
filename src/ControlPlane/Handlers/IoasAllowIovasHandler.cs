using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>IOAS_ALLOW_IOVAS: replaces the list of iovas that may be chosen, and that no device may reserve.</summary>
internal static class IoasAllowIovasHandler
{
    private const int PieceEntries = 256;

    internal static Errno Run(in IoctlCall call)
    {
        ref IoasAllowIovasCommand command = ref call.Command<IoasAllowIovasCommand>();
        if (command.Reserved != 0)
        {
            return Errno.NotSupported;
        }

        Errno errno = call.Objects.Get(command.IoasId, out IoasObject? ioas);
        if (errno != Errno.Success)
        {
            return errno;
        }

        try
        {
            var allowed = new SortedSet<IovaSpan>(OverlapIsEqual.Instance);
            errno = Load(call.Caller.Memory, command.AllowedIovas, command.NumIovas, allowed);
            return errno == Errno.Success ? ioas!.Space.SetAllowed(allowed.ToArray()).ToErrno() : errno;
        }
        finally
        {
            ioas!.LetGo();
        }
    }

    // Each entry is read and judged before the next one is read: which error comes first is part of the interface.
    private static Errno Load(MemorySpace memory, ulong address, uint count, SortedSet<IovaSpan> allowed)
    {
        Span<IovaRangeRecord> piece = stackalloc IovaRangeRecord[PieceEntries];
        ulong entryBytes = (ulong)Marshal.SizeOf<IovaRangeRecord>();
        for (uint done = 0; done < count;)
        {
            int entries = (int)Math.Min(count - done, PieceEntries);
            ulong at = address + (done * entryBytes);
            if (!memory.TryRead(at, MemoryMarshal.AsBytes(piece[..entries])))
            {
                // Somewhere in the piece the memory ends; what lies before it still counts.
                entries = 1;
                if (!memory.TryRead(at, MemoryMarshal.AsBytes(piece[..1])))
                {
                    return Errno.BadAddress;
                }
            }

            foreach (IovaRangeRecord entry in piece[..entries])
            {
                if (entry.Start >= entry.Last)
                {
                    return Errno.Invalid;
                }

                var span = new IovaSpan(entry.Start, entry.Last);
                if (allowed.Contains(span))
                {
                    return Errno.Invalid;
                }

                if (FaultPoint.Fails())
                {
                    return Errno.OutOfMemory;
                }

                allowed.Add(span);
            }

            done += (uint)entries;
        }

        return Errno.Success;
    }

    /// <summary>Orders spans that do not overlap; those that do are the same to it.</summary>
    private sealed class OverlapIsEqual : IComparer<IovaSpan>
    {
        internal static readonly OverlapIsEqual Instance = new();

        public int Compare(IovaSpan x, IovaSpan y) => x.Last < y.First ? -1 : x.First > y.Last ? 1 : 0;
    }
}
