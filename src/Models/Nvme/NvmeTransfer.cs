using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Moves the data of one command between the controller and the driver's memory, along its PRP entries or SGL descriptors.</summary>
/// <remarks>
/// <para>Owns: a page for lists; used by one command after the other.</para>
/// <para>Invariants. T1: pieces come in order and are moved at once; what lies before an error has been moved. T2: each entry is judged when it is
/// reached, and read from memory once.</para>
/// <para>Threads: the controller's.</para>
/// </remarks>
internal sealed partial class NvmeTransfer(DeviceDma dma)
{
    private const int ListBytes = 4096;

    private readonly byte[] _list = new byte[ListBytes];
    private int _listAt;
    private int _listCount;
    private ulong _listIova;
    private ulong _pageBytes;
    private bool _isSgl;
    private bool _toHost;

    // The piece that is being moved, and what remains of the command after it.
    private ulong _at;
    private ulong _left;
    private bool _isBucket;
    private ulong _remaining;
    private ulong _second;

    /// <summary>Begins with the data of a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="bytes">How much it moves.</param>
    /// <param name="pageLg2">The page size of the controller.</param>
    /// <param name="toHost">Whether the driver's memory is written.</param>
    /// <returns>What is wrong with the first entries, or success.</returns>
    internal NvmeStatus Begin(in NvmeCommand command, ulong bytes, int pageLg2, bool toHost)
    {
        _pageBytes = 1UL << pageLg2;
        _remaining = bytes;
        _left = 0;
        _isBucket = false;
        _listCount = _listAt = 0;
        _listIova = 0;
        _toHost = toHost;
        _isSgl = command.PointerKind != 0;
        return command.PointerKind switch
        {
            0 => BeginPrp(command.Pointer1, command.Pointer2),
            1 or 2 => BeginSgl(command.Pointer1, command.Pointer2),
            _ => NvmeStatus.InvalidField,
        };
    }

    /// <summary>Moves the next bytes into the driver's memory.</summary>
    internal NvmeStatus ToHost(ReadOnlySpan<byte> data)
    {
        for (int done = 0; done < data.Length;)
        {
            NvmeStatus status = Piece(data.Length - done, out ulong iova, out int length);
            if (status != NvmeStatus.Success)
            {
                return status;
            }

            if (!_isBucket && !dma.Write(iova, data.Slice(done, length)))
            {
                return NvmeStatus.DataTransferError;
            }

            done += length;
        }

        return NvmeStatus.Success;
    }

    /// <summary>Moves the next bytes out of the driver's memory.</summary>
    internal NvmeStatus FromHost(Span<byte> buffer)
    {
        for (int done = 0; done < buffer.Length;)
        {
            NvmeStatus status = Piece(buffer.Length - done, out ulong iova, out int length);
            if (status != NvmeStatus.Success)
            {
                return status;
            }

            if (!dma.Read(iova, buffer.Slice(done, length)))
            {
                return NvmeStatus.DataTransferError;
            }

            done += length;
        }

        return NvmeStatus.Success;
    }

    private NvmeStatus Piece(int most, out ulong iova, out int length)
    {
        while (_left == 0)
        {
            NvmeStatus status = _isSgl ? NextDescriptor() : NextPage();
            if (status != NvmeStatus.Success)
            {
                iova = 0;
                length = 0;
                return status;
            }
        }

        iova = _at;
        length = (int)Math.Min((ulong)most, _left);
        _at += (uint)length;
        _left -= (uint)length;
        return NvmeStatus.Success;
    }

    private void Take(ulong iova, ulong bytes)
    {
        _at = iova;
        _left = Math.Min(bytes, _remaining);
        _remaining -= _left;
    }

    private NvmeStatus BeginPrp(ulong first, ulong second)
    {
        if ((first & 3) != 0)
        {
            return NvmeStatus.InvalidPrpOffset;
        }

        Take(first, _pageBytes - (first & (_pageBytes - 1)));
        _second = second;

        // One more page stands in the second entry itself, more in a list that it points to.
        ulong fixedBits = _remaining > _pageBytes ? 7 : _pageBytes - 1;
        if (_remaining != 0 && (second & fixedBits) != 0)
        {
            return NvmeStatus.InvalidPrpOffset;
        }

        _listIova = _remaining > _pageBytes ? second : 0;
        return NvmeStatus.Success;
    }

    private NvmeStatus NextPage()
    {
        ulong page = _second;
        if (_listIova != 0)
        {
            NvmeStatus status = _listAt == _listCount ? ReadPages() : NvmeStatus.Success;
            if (status != NvmeStatus.Success)
            {
                return status;
            }

            page = MemoryMarshal.Cast<byte, ulong>(_list)[_listAt++];
            if ((page & (_pageBytes - 1)) != 0)
            {
                return NvmeStatus.InvalidPrpOffset;
            }
        }

        Take(page, _pageBytes);
        return NvmeStatus.Success;
    }

    // When more pages are due than the rest of the list's page has entries, its last entry points to the next list.
    private NvmeStatus ReadPages()
    {
        ulong due = (_remaining + _pageBytes - 1) / _pageBytes;
        ulong there = (_pageBytes - (_listIova & (_pageBytes - 1))) / sizeof(ulong);
        if (due > there && there == 1)
        {
            Span<ulong> next = MemoryMarshal.Cast<byte, ulong>(_list.AsSpan())[..1];
            if (!dma.Read(_listIova, MemoryMarshal.AsBytes(next)))
            {
                return NvmeStatus.DataTransferError;
            }

            if ((next[0] & (_pageBytes - 1)) != 0)
            {
                return NvmeStatus.InvalidPrpOffset;
            }

            _listIova = next[0];
            there = _pageBytes / sizeof(ulong);
        }

        int count = (int)Math.Min(due > there ? there - 1 : due, ListBytes / sizeof(ulong));
        if (!dma.Read(_listIova, _list.AsSpan(0, count * sizeof(ulong))))
        {
            return NvmeStatus.DataTransferError;
        }

        _listIova += (uint)count * sizeof(ulong);
        _listAt = 0;
        _listCount = count;
        return NvmeStatus.Success;
    }
}
