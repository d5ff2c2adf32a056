using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One event of a trace: 24 bytes, exactly as in the file.</summary>
/// <remarks>
/// <code>
/// byte  0   1      2       4         8       16
///       op  flags  id:16   length:32 iova:64 address:64   (little-endian)
/// </code>
/// Which properties mean something depends on <see cref="Op"/>; the others read bits that are zero there.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct TraceRecord
{
    /// <summary>The size of a record in the file and in memory.</summary>
    internal const int Bytes = 24;

    /// <summary>The log2 of the page in which lengths are counted.</summary>
    internal const int PageLg2 = 12;

    /// <summary>The identity that an invalidation has when its domain is not known; a global flush in effect.</summary>
    internal const ushort UnknownDomain = 0xffff;

    internal const byte ReadFlag = 1;
    internal const byte WriteFlag = 2;
    internal const byte DirectionInferredFlag = 4;
    internal const byte MissedIotlbFlag = 8;
    internal const byte ReconstructedFlag = 16;
    internal const byte DisagreesFlag = 128;

    private readonly byte _op;
    private readonly byte _flags;
    private readonly ushort _id;
    private readonly uint _length;
    private readonly ulong _iova;
    private readonly ulong _address;

    internal TraceRecord(TraceOp op, byte flags, ushort id, uint length, ulong iova, ulong address)
    {
        _op = (byte)op;
        _flags = flags;
        _id = id;
        _length = length;
        _iova = iova;
        _address = address;
    }

    /// <summary>What happened.</summary>
    internal TraceOp Op => (TraceOp)_op;

    /// <summary>The raw flags.</summary>
    internal byte Flags => _flags;

    /// <summary>The raw identity: a domain for map, unmap and the invalidations, else a device.</summary>
    internal ushort Id => _id;

    /// <summary>The raw length: pages of 4 KiB, the domain of attach and detach, the number of a mark, or the reason of a fault.</summary>
    internal uint Length => _length;

    /// <summary>The I/O virtual address: a start, or for translate the exact byte.</summary>
    internal ulong Iova => _iova;

    /// <summary>Map: the physical start. Translate: the physical byte. Invalidations: the hardware's own domain number.</summary>
    internal ulong Address => _address;

    /// <summary>The domain of a map, unmap, attach, detach or invalidation.</summary>
    internal ushort Domain => Op is TraceOp.Attach or TraceOp.Detach ? (ushort)_length : _id;

    /// <summary>The device of a translate, attach, detach or fault, as bus, device and function.</summary>
    internal ushort Device => _id;

    /// <summary>The bytes of a map, unmap or invalidated range, or of the page that answered a translate.</summary>
    internal ulong ByteLength => (ulong)_length << PageLg2;

    /// <summary>The number of a mark.</summary>
    internal uint Phase => _length;

    /// <summary>Map: the device may read.</summary>
    internal bool AllowsRead => (_flags & ReadFlag) != 0;

    /// <summary>Map: the device may write.</summary>
    internal bool AllowsWrite => (_flags & WriteFlag) != 0;

    /// <summary>Translate: the device reads.</summary>
    internal bool Reads => (_flags & ReadFlag) != 0;

    /// <summary>Translate: the device writes.</summary>
    internal bool Writes => (_flags & WriteFlag) != 0;

    /// <summary>Translate: the direction was seen or inferred; without it any mapping will do.</summary>
    internal bool DirectionKnown => (_flags & (ReadFlag | WriteFlag)) != 0;

    /// <summary>Translate: the direction was taken from a mapping that allows one only, so it proves nothing about permissions.</summary>
    internal bool DirectionInferred => (_flags & DirectionInferredFlag) != 0;

    /// <summary>Translate: the recorded IOMMU missed in its own IOTLB.</summary>
    internal bool MissedIotlb => (_flags & MissedIotlbFlag) != 0;

    /// <summary>Translate: page size and low address bits were rebuilt from the mappings when the trace was made.</summary>
    internal bool Reconstructed => (_flags & ReconstructedFlag) != 0;

    /// <summary>Translate: the recorder itself saw that the record does not agree with the mappings.</summary>
    internal bool Disagrees => (_flags & DisagreesFlag) != 0;

    /// <summary>The record as one readable line.</summary>
    /// <returns>The text.</returns>
    public override string ToString() =>
        $"{Op.Name()} flags 0x{_flags:x2} id 0x{_id:x4} length {_length} IOVA 0x{_iova:x} address 0x{_address:x}";
}
