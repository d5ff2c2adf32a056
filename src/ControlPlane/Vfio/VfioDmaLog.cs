using System.Numerics;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The log of writes that a device keeps itself (VFIO_DEVICE_FEATURE_DMA_LOGGING_*).</summary>
/// <remarks>Owns: the log, from START to STOP or the end of the device. Threads: any; under the gate of the group.</remarks>
internal sealed class VfioDmaLog(DmaPort port)
{
    // As many as fit into a page of Linux.
    private const uint RangesLast = 256;

    private DmaWriteLog? _log;

    /// <summary>Begins to log.</summary>
    internal Errno Start(Caller caller, in CallArgument argument)
    {
        ulong head = (ulong)Marshal.SizeOf<VfioDeviceFeature>();
        VfioDmaLoggingControl control = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<VfioDmaLoggingControl>(ref control));
        if (!argument.TryRead(head, bytes))
        {
            return Errno.BadAddress;
        }

        if (control.NumRanges is 0 or > RangesLast)
        {
            return control.NumRanges == 0 ? Errno.Invalid : Errno.TooBig;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        Errno errno = ReadRanges(caller, control, out List<IovaSpan> spans);
        if (errno == Errno.Success)
        {
            errno = _log is not null ? Errno.Invalid : FaultPoint.Fails() ? Errno.OutOfMemory : Errno.Success;
        }

        if (errno != Errno.Success)
        {
            return errno;
        }

        // What was asked for is a hint: the log has pages of its own.
        control.PageSize = 1UL << DmaWriteLog.PageLg2;
        if (!argument.TryWrite(head, bytes))
        {
            return Errno.BadAddress;
        }

        _log = new DmaWriteLog(spans);
        port.LogWrites(_log);
        return Errno.Success;
    }

    /// <summary>Ends the log, if there is one. Never fails.</summary>
    internal void Stop()
    {
        if (_log is not null)
        {
            _log = null;
            port.LogWrites(null);
        }
    }

    /// <summary>Says what was written since it was asked last.</summary>
    internal Errno Report(Caller caller, in CallArgument argument)
    {
        VfioDmaLoggingReport report = default;
        if (!argument.TryRead((ulong)Marshal.SizeOf<VfioDeviceFeature>(), MemoryMarshal.AsBytes(new Span<VfioDmaLoggingReport>(ref report))))
        {
            return Errno.BadAddress;
        }

        if (report.PageSize < 1UL << DmaWriteLog.PageLg2 || !BitOperations.IsPow2(report.PageSize))
        {
            return Errno.Invalid;
        }

        if (report.Iova + report.Length < report.Iova)
        {
            return Errno.Overflow;
        }

        if (FaultPoint.Fails())
        {
            return Errno.OutOfMemory;
        }

        if (_log is null || report.Length == 0)
        {
            return Errno.Invalid;
        }

        var span = IovaSpan.Of(report.Iova, report.Length);
        List<ulong> pages = _log.Take(span);

        // Whoever reads the memory after this call finds what was written by accesses that the log knew before it.
        port.WaitForAccesses();
        var bitmap = new UserBitmap(caller.Memory, report.Bitmap, report.Iova, report.Length, report.PageSize);
        foreach (ulong page in pages)
        {
            ulong first = Math.Max(page, span.First);
            bitmap.Add(first, Math.Min(page | ((1UL << DmaWriteLog.PageLg2) - 1), span.Last) - first + 1);
        }

        bitmap.Flush();
        return Errno.Success;
    }

    private static Errno ReadRanges(Caller caller, in VfioDmaLoggingControl control, out List<IovaSpan> spans)
    {
        spans = [];
        ulong bytes = (ulong)Marshal.SizeOf<VfioDmaLoggingRange>();
        for (uint i = 0; i < control.NumRanges; i++)
        {
            VfioDmaLoggingRange range = default;
            if (!caller.Memory.TryRead(control.Ranges + (i * bytes), MemoryMarshal.AsBytes(new Span<VfioDmaLoggingRange>(ref range))))
            {
                return Errno.BadAddress;
            }

            if (((range.Iova | range.Length) & (control.PageSize - 1)) != 0)
            {
                return Errno.Invalid;
            }

            if (range.Iova + range.Length < range.Iova)
            {
                return Errno.Overflow;
            }

            // A range of nothing is allowed, and means nothing.
            if (!IovaSpan.TryCreate(range.Iova, range.Length, out IovaSpan span))
            {
                continue;
            }

            if (spans.Exists(other => other.First <= span.Last && span.First <= other.Last))
            {
                return Errno.Invalid;
            }

            spans.Add(span);
        }

        return Errno.Success;
    }
}
