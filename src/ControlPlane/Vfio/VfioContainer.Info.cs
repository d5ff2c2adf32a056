using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>VFIO_IOMMU_GET_INFO: the sizes of pages, and a chain of capabilities as far as there is room for them.</summary>
internal static partial class VfioContainer
{
    private const ulong PageMask = ~(Frame.PageBytes - 1);

    private static readonly int InfoBytes = Marshal.SizeOf<VfioType1Info>();
    private static readonly int InfoSmallestBytes = (int)Marshal.OffsetOf<VfioType1Info>(nameof(VfioType1Info.CapOffset));

    private static Errno GetInfo(IommufdContext context, in CallArgument argument)
    {
        VfioType1Info info = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<VfioType1Info>(ref info));
        if (!argument.TryRead(0, bytes[..InfoSmallestBytes]))
        {
            return Errno.BadAddress;
        }

        if (info.ArgSz < (uint)InfoSmallestBytes)
        {
            return Errno.Invalid;
        }

        if (context.Objects.HoldVfioIoas() is not { } ioas)
        {
            return Errno.NoDevice;
        }

        try
        {
            uint room = info.ArgSz;
            info.Flags = VfioConstants.InfoPageSizes | VfioConstants.InfoCaps;
            info.IovaPgSizes = PageSizesOf(ioas);
            Errno errno = WriteChain(ioas.Space, argument, room, out uint total);
            if (errno != Errno.Success)
            {
                return errno;
            }

            // With too little room the length is told, and the chain is not to be followed.
            info.CapOffset = room >= total ? (uint)InfoBytes : 0;
            info.ArgSz = total;
            return argument.TryWrite(0, bytes[..(int)Math.Min(room, (uint)InfoBytes)]) ? Errno.Success : Errno.BadAddress;
        }
        finally
        {
            ioas.LetGo();
        }
    }

    private static Errno WriteChain(Ioas space, in CallArgument argument, uint room, out uint total)
    {
        uint first = (uint)InfoBytes;
        Errno errno = WriteDmaAvail(argument, first, room, out uint second);
        total = second;
        if (errno != Errno.Success)
        {
            return errno;
        }

        errno = WriteIovaRanges(space, argument, second, room, out total);
        if (errno != Errno.Success || room < second)
        {
            return errno;
        }

        // The first capability leads to the second, now that it is known where that lies.
        ulong next = first + (ulong)Marshal.OffsetOf<VfioCapHeader>(nameof(VfioCapHeader.Next));
        return argument.TryWrite(next, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in second))) ? Errno.Success : Errno.BadAddress;
    }

    private static Errno WriteDmaAvail(in CallArgument argument, uint offset, uint room, out uint end)
    {
        var capability = new VfioCapDmaAvail
        {
            Header = new VfioCapHeader { Id = VfioConstants.CapDmaAvail, Version = 1 },
            Avail = uint.MaxValue,
        };
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<VfioCapDmaAvail>(in capability));
        end = AlignUp(offset + (uint)bytes.Length);
        return room < offset + (uint)bytes.Length || argument.TryWrite(offset, bytes) ? Errno.Success : Errno.BadAddress;
    }

    private static Errno WriteIovaRanges(Ioas space, in CallArgument argument, uint offset, uint room, out uint end)
    {
        List<IovaSpan> ranges = [];
        space.Ranges(ranges);
        uint headBytes = (uint)Marshal.SizeOf<VfioCapIovaRange>();
        uint rangeBytes = (uint)Marshal.SizeOf<VfioIovaRange>();
        uint at = offset + headBytes;
        foreach (IovaSpan span in ranges)
        {
            var range = new VfioIovaRange { Start = span.First, End = span.Last };
            if (room >= at + rangeBytes && !argument.TryWrite(at, MemoryMarshal.AsBytes(new ReadOnlySpan<VfioIovaRange>(in range))))
            {
                end = 0;
                return Errno.BadAddress;
            }

            at += rangeBytes;
        }

        end = AlignUp(at);
        var head = new VfioCapIovaRange
        {
            Header = new VfioCapHeader { Id = VfioConstants.CapIovaRange, Version = 1 },
            NrIovas = (uint)ranges.Count,
        };
        return room < at || argument.TryWrite(offset, MemoryMarshal.AsBytes(new ReadOnlySpan<VfioCapIovaRange>(in head))) ? Errno.Success : Errno.BadAddress;
    }

    private static ulong PageSizesOf(IoasObject ioas)
    {
        ulong sizes = ulong.MaxValue;
        using (ioas.HwptLock.Enter())
        {
            foreach (PagingHwpt hwpt in ioas.Hwpts)
            {
                sizes &= hwpt.Domain.PageSizes;
            }
        }

        // What an IOMMU can do below the pages of the processor is not told.
        if ((sizes & ~PageMask) != 0)
        {
            sizes = (sizes & PageMask) | Frame.PageBytes;
        }

        return Math.Max(sizes, ioas.Space.Alignment);
    }

    private static uint AlignUp(uint bytes) => (bytes + 7) & ~7u;
}
