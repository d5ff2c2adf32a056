using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>IOAS_IOVA_RANGES: says which iovas no device has reserved. What is allowed or mapped makes no difference.</summary>
internal static class IoasIovaRangesHandler
{
    internal static Errno Run(in IoctlCall call)
    {
        ref IoasIovaRangesCommand command = ref call.Command<IoasIovaRangesCommand>();
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
            uint room = command.NumIovas;
            List<IovaSpan> ranges = [];
            ioas!.Space.Ranges(ranges);
            command.OutIovaAlignment = ioas.Space.Alignment;
            command.NumIovas = (uint)ranges.Count;
            for (int i = 0; i < ranges.Count && (uint)i < room; i++)
            {
                var record = new IovaRangeRecord { Start = ranges[i].First, Last = ranges[i].Last };
                ulong address = command.AllowedIovas + ((ulong)i * (ulong)Marshal.SizeOf<IovaRangeRecord>());
                if (!call.Caller.Memory.TryWrite(address, MemoryMarshal.AsBytes(new ReadOnlySpan<IovaRangeRecord>(in record))))
                {
                    return Errno.BadAddress;
                }
            }

            // The true number is told also when the list was too short for it.
            errno = call.Respond();
            return errno == Errno.Success && command.NumIovas > room ? Errno.MessageTooLong : errno;
        }
        finally
        {
            ioas!.LetGo();
        }
    }
}
