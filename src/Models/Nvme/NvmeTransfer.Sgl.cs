using System.Runtime.InteropServices;

namespace FastIova;

/// <content>SGL descriptors (NVMe 1.4, §4.4).</content>
internal sealed partial class NvmeTransfer
{
    private const int DescriptorBytes = 16;
    private const int DataBlock = 0x00;
    private const int BitBucket = 0x10;
    private const int Segment = 0x20;
    private const int LastSegment = 0x30;

    // Nobody needs as many; a segment that points to itself would never end.
    private const int DescriptorsMost = 1 << 16;

    // The descriptors of the segment that are still in memory, and whether another segment follows it.
    private ulong _segmentLeft;
    private bool _isLast;
    private int _descriptors;

    private NvmeStatus BeginSgl(ulong address, ulong rest)
    {
        var first = new Descriptor(address, rest);
        _segmentLeft = 0;
        _isLast = true;
        _descriptors = 0;
        switch (first.Kind)
        {
            case DataBlock:
                if (first.Length < _remaining)
                {
                    return NvmeStatus.InvalidSglLength;
                }

                Take(first.Address, first.Length);
                return NvmeStatus.Success;
            case Segment or LastSegment:
                return Enter(first);
            default:
                return NvmeStatus.InvalidSglType;
        }
    }

    private NvmeStatus Enter(in Descriptor segment)
    {
        if (segment.Length == 0 || segment.Length % DescriptorBytes != 0)
        {
            return NvmeStatus.InvalidSglSegment;
        }

        _isLast = segment.Kind == LastSegment;
        _listIova = segment.Address;
        _segmentLeft = segment.Length;
        _listAt = _listCount = 0;
        return NvmeStatus.Success;
    }

    private NvmeStatus NextDescriptor()
    {
        if (_listAt == _listCount)
        {
            if (_segmentLeft == 0)
            {
                // A segment that is not the last one ends with the next one's place; there is none, or the data is too short.
                return _isLast ? NvmeStatus.InvalidSglLength : NvmeStatus.InvalidSglCount;
            }

            int bytes = (int)Math.Min(_segmentLeft, ListBytes);
            if (!dma.Read(_listIova, _list.AsSpan(0, bytes)))
            {
                return NvmeStatus.DataTransferError;
            }

            _listIova += (uint)bytes;
            _segmentLeft -= (uint)bytes;
            _listAt = 0;
            _listCount = bytes / DescriptorBytes;
        }

        if (++_descriptors > DescriptorsMost)
        {
            return NvmeStatus.InvalidSglCount;
        }

        Descriptor descriptor = MemoryMarshal.Cast<byte, Descriptor>(_list)[_listAt++];
        bool ends = _listAt == _listCount && _segmentLeft == 0;
        _isBucket = false;
        switch (descriptor.Kind)
        {
            case DataBlock:
                Take(descriptor.Address, descriptor.Length);
                return NvmeStatus.Success;
            case BitBucket:
                // What a write would take out of a bucket is nothing.
                _isBucket = true;
                Take(0, _toHost ? descriptor.Length : 0);
                return NvmeStatus.Success;
            case Segment or LastSegment when ends && !_isLast:
                return Enter(descriptor);
            case Segment or LastSegment:
                return NvmeStatus.InvalidSglSegment;
            default:
                return NvmeStatus.InvalidSglType;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Descriptor(ulong address, ulong rest)
    {
        internal readonly ulong Address = address;
        private readonly ulong _rest = rest;

        internal uint Length => (uint)_rest;

        /// <summary>Type and subtype; a subtype other than an address is none that this controller knows.</summary>
        internal int Kind => (int)(_rest >> 56);
    }
}
