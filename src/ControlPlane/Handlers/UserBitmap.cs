using System.Numerics;

namespace FastIova;

/// <summary>A bitmap in the caller's memory: bits are set, never cleared, and those in memory that cannot be written are lost.</summary>
/// <remarks>Owns: a copy of the page of the bitmap that is being changed. Threads: one.</remarks>
internal sealed class UserBitmap
{
    private readonly MemorySpace _memory;
    private readonly ulong _address;
    private readonly ulong _iova;
    private readonly int _pageLg2;
    private readonly ulong _bytesEnd;
    private readonly byte[] _page = new byte[Frame.PageBytes];

    // The part of the bitmap in _page: offsets from its start; empty when they are equal.
    private ulong _first;
    private ulong _end;

    /// <param name="memory">Whose memory.</param>
    /// <param name="address">Where the bitmap begins.</param>
    /// <param name="iova">The address of bit zero.</param>
    /// <param name="length">The bytes that the bitmap is about.</param>
    /// <param name="pageSize">What one bit stands for, down to its lowest set bit.</param>
    internal UserBitmap(MemorySpace memory, ulong address, ulong iova, ulong length, ulong pageSize)
    {
        _memory = memory;
        _address = address;
        _iova = iova;
        _pageLg2 = BitOperations.TrailingZeroCount(pageSize);
        _bytesEnd = ((length - 1) >> _pageLg2 >> 3) + 1;
    }

    /// <summary>Sets the bits of a run of pages.</summary>
    internal void Add(ulong iova, ulong bytes)
    {
        ulong bit = (iova - _iova) >> _pageLg2;
        ulong last = (iova + bytes - 1 - _iova) >> _pageLg2;
        while (bit <= last && bit >> 3 < _bytesEnd)
        {
            ulong at = bit >> 3;
            if (at >= _end || at < _first)
            {
                Flush();
                if (!TryLoad(at))
                {
                    // None of this page of the bitmap can be written.
                    bit = PageEnd(at) << 3;
                    continue;
                }
            }

            ulong end = Math.Min(last + 1, _end << 3);
            for (; bit < end; bit++)
            {
                _page[(bit >> 3) - _first] |= (byte)(1 << (int)(bit & 7));
            }
        }
    }

    /// <summary>Writes what was changed.</summary>
    internal void Flush()
    {
        if (_end != _first)
        {
            _memory.TryWrite(_address + _first, _page.AsSpan(0, (int)(_end - _first)));
            _first = _end = 0;
        }
    }

    private bool TryLoad(ulong at)
    {
        ulong end = Math.Min(PageEnd(at), _bytesEnd);
        if (!_memory.TryRead(_address + at, _page.AsSpan(0, (int)(end - at))))
        {
            return false;
        }

        _first = at;
        _end = end;
        return true;
    }

    // The offset at which the next page of the caller begins.
    private ulong PageEnd(ulong at) => at + Frame.PageBytes - ((_address + at) % Frame.PageBytes);
}
