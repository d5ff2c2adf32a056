using System.Runtime.InteropServices;

namespace FastIova;

/// <content>VFIO_IOMMU_GET_INFO: the sizes of pages, and the whole chain of capabilities or nothing of it.</content>
internal sealed partial class Type1Iommu
{
    private Errno GetInfo(in CallArgument argument)
    {
        int smallest = (int)Marshal.OffsetOf<VfioType1Info>(nameof(VfioType1Info.CapOffset));
        int whole = Marshal.SizeOf<VfioType1Info>();
        Errno errno = VfioArgument.Read(argument, smallest, out VfioType1Info info);
        if (errno != Errno.Success)
        {
            return errno;
        }

        int bytes = (int)Math.Min(info.ArgSz, (uint)whole);
        byte[] chain;
        lock (_lock)
        {
            if (FaultPoint.Fails())
            {
                return Errno.OutOfMemory;
            }

            info.Flags = VfioConstants.InfoPageSizes | VfioConstants.InfoCaps;
            info.IovaPgSizes = _pageSizes;
            chain = Chain((uint)whole);
        }

        if (info.ArgSz < (uint)(whole + chain.Length))
        {
            info.ArgSz = (uint)(whole + chain.Length);
        }
        else if (argument.TryWrite((ulong)whole, chain))
        {
            info.CapOffset = (uint)whole;
        }
        else
        {
            return Errno.BadAddress;
        }

        return VfioArgument.Write(argument, info, bytes);
    }

    // What each is followed by is told from the start of the argument.
    private byte[] Chain(uint start)
    {
        uint migrationBytes = (uint)Marshal.SizeOf<VfioCapMigration>();
        uint availBytes = ((uint)Marshal.SizeOf<VfioCapDmaAvail>() + 7) & ~7u;
        uint headBytes = (uint)Marshal.SizeOf<VfioCapIovaRange>();
        uint rangeBytes = (uint)Marshal.SizeOf<VfioIovaRange>();
        bool hasRanges = _window.Spans.Count != 0;
        byte[] chain = new byte[migrationBytes + availBytes + (hasRanges ? headBytes + ((uint)_window.Spans.Count * rangeBytes) : 0)];
        Span<byte> rest = chain;
        var migration = new VfioCapMigration
        {
            Header = new VfioCapHeader { Id = VfioConstants.CapMigration, Version = 1, Next = start + migrationBytes },
            PgSizeBitmap = SmallestPage,
            MaxDirtyBitmapSize = Type1Bitmap.BytesMost,
        };
        MemoryMarshal.Write(rest, migration);
        rest = rest[(int)migrationBytes..];
        var avail = new VfioCapDmaAvail
        {
            Header = new VfioCapHeader { Id = VfioConstants.CapDmaAvail, Version = 1, Next = hasRanges ? start + migrationBytes + availBytes : 0 },
            Avail = _avail,
        };
        MemoryMarshal.Write(rest, avail);
        rest = rest[(int)availBytes..];
        if (hasRanges)
        {
            var head = new VfioCapIovaRange { Header = new VfioCapHeader { Id = VfioConstants.CapIovaRange, Version = 1 }, NrIovas = (uint)_window.Spans.Count };
            MemoryMarshal.Write(rest, head);
            rest = rest[(int)headBytes..];
            foreach (IovaSpan span in _window.Spans)
            {
                var range = new VfioIovaRange { Start = span.First, End = span.Last };
                MemoryMarshal.Write(rest, range);
                rest = rest[(int)rangeBytes..];
            }
        }

        return chain;
    }
}
