using System.Buffers.Binary;

namespace FastIova;

/// <content>The commands that touch blocks.</content>
internal sealed partial class NvmeController
{
    private const int RangeBytes = 16;
    private const int RangesMost = 256;

    // For media that are no memory, and for data that is only compared.
    private readonly byte[] _bounce = new byte[64 << 10];
    private readonly byte[] _compared = new byte[64 << 10];

    private NvmeStatus CarryOut(in NvmeCommand command, out bool completes)
    {
        completes = true;
        var opcode = (NvmeIoOpcode)command.Opcode;
        bool toAll = opcode == NvmeIoOpcode.Flush && command.Namespace == NvmeCommand.EveryNamespace;
        if (command.IsFused)
        {
            return NvmeStatus.InvalidField;
        }

        if (opcode is not (NvmeIoOpcode.Flush or NvmeIoOpcode.Read or NvmeIoOpcode.Write or NvmeIoOpcode.Compare or NvmeIoOpcode.WriteZeroes or NvmeIoOpcode.DatasetManagement))
        {
            return NvmeStatus.InvalidOpcode;
        }

        if (command.Namespace != NvmeNamespace.Id && !toAll)
        {
            return NvmeStatus.InvalidNamespace;
        }

        return opcode switch
        {
            NvmeIoOpcode.Read => Move(command, toHost: true),
            NvmeIoOpcode.Write => Move(command, toHost: false),
            NvmeIoOpcode.Compare => Compare(command),
            NvmeIoOpcode.WriteZeroes => WriteZeroes(command),
            NvmeIoOpcode.DatasetManagement => ManageDataset(command),
            _ => Flush(),
        };
    }

    private NvmeStatus Flush() => _namespace.Medium.Flush() ? NvmeStatus.Success : NvmeStatus.WriteFault;

    private NvmeStatus Begin(in NvmeCommand command, bool toHost, out ulong offset, out ulong bytes)
    {
        offset = command.FirstBlock << _namespace.BlockLg2;
        bytes = (ulong)command.Blocks << _namespace.BlockLg2;
        return bytes > (ulong)PageBytes << TransferMostLg2 ? NvmeStatus.InvalidField
            : !_namespace.Contains(command.FirstBlock, command.Blocks) ? NvmeStatus.LbaOutOfRange
            : _transfer.Begin(command, bytes, _pageLg2, toHost);
    }

    private NvmeStatus Move(in NvmeCommand command, bool toHost)
    {
        NvmeStatus status = Begin(command, toHost, out ulong offset, out ulong bytes);
        if (status != NvmeStatus.Success)
        {
            return status;
        }

        Span<byte> direct = _namespace.Medium.Direct(offset, (int)bytes);
        if (direct.IsEmpty)
        {
            status = toHost ? MoveToHost(offset, (int)bytes) : MoveFromHost(offset, (int)bytes);
        }
        else
        {
            // One scope for all pieces. A medium that is no memory is slow: an unmap must not wait for it.
            using DmaScope scope = _dma.Enter();
            status = toHost ? _transfer.ToHost(direct) : _transfer.FromHost(direct);
        }

        if (status == NvmeStatus.Success)
        {
            _log.Count(!toHost, bytes);
        }

        bool lasts = !toHost && (command.ForcesUnitAccess || !_features.HasWriteCache);
        return lasts && status == NvmeStatus.Success ? Flush() : status;
    }

    private NvmeStatus MoveToHost(ulong offset, int bytes)
    {
        for (int done = 0; done < bytes;)
        {
            Span<byte> part = _bounce.AsSpan(0, Math.Min(bytes - done, _bounce.Length));
            if (!_namespace.Medium.Read(offset + (uint)done, part))
            {
                return NvmeStatus.UnrecoveredRead;
            }

            NvmeStatus status = _transfer.ToHost(part);
            if (status != NvmeStatus.Success)
            {
                return status;
            }

            done += part.Length;
        }

        return NvmeStatus.Success;
    }

    private NvmeStatus MoveFromHost(ulong offset, int bytes)
    {
        for (int done = 0; done < bytes;)
        {
            Span<byte> part = _bounce.AsSpan(0, Math.Min(bytes - done, _bounce.Length));
            NvmeStatus status = _transfer.FromHost(part);
            if (status != NvmeStatus.Success)
            {
                return status;
            }

            if (!_namespace.Medium.Write(offset + (uint)done, part))
            {
                return NvmeStatus.WriteFault;
            }

            done += part.Length;
        }

        return NvmeStatus.Success;
    }

    private NvmeStatus Compare(in NvmeCommand command)
    {
        NvmeStatus status = Begin(command, toHost: false, out ulong offset, out ulong bytes);
        for (ulong done = 0; done < bytes && status == NvmeStatus.Success;)
        {
            int length = (int)Math.Min(bytes - done, (ulong)_bounce.Length);
            Span<byte> theirs = _bounce.AsSpan(0, length);
            Span<byte> ours = _compared.AsSpan(0, length);
            status = _transfer.FromHost(theirs);
            if (status == NvmeStatus.Success)
            {
                status = !_namespace.Medium.Read(offset + done, ours) ? NvmeStatus.UnrecoveredRead
                    : theirs.SequenceEqual(ours) ? NvmeStatus.Success
                    : NvmeStatus.CompareFailure;
            }

            done += (uint)length;
        }

        return status;
    }

    private NvmeStatus WriteZeroes(in NvmeCommand command)
    {
        if (!_namespace.Contains(command.FirstBlock, command.Blocks))
        {
            return NvmeStatus.LbaOutOfRange;
        }

        return Clear(command.FirstBlock, command.Blocks) is var status && status == NvmeStatus.Success && (command.ForcesUnitAccess || !_features.HasWriteCache)
            ? Flush()
            : status;
    }

    private NvmeStatus Clear(ulong first, ulong count) =>
        _namespace.Medium.Clear(first << _namespace.BlockLg2, count << _namespace.BlockLg2) ? NvmeStatus.Success : NvmeStatus.WriteFault;

    // The ranges are read and judged as a whole before the first is carried out.
    private NvmeStatus ManageDataset(in NvmeCommand command)
    {
        const uint Deallocate = 4;
        int ranges = (int)(command.Word10 & 0xFF) + 1;
        Span<byte> list = _bounce.AsSpan(0, Math.Min(ranges, RangesMost) * RangeBytes);
        NvmeStatus status = _transfer.Begin(command, (ulong)list.Length, _pageLg2, toHost: false);
        status = status == NvmeStatus.Success ? _transfer.FromHost(list) : status;
        for (int at = 0; at < list.Length && status == NvmeStatus.Success; at += RangeBytes)
        {
            (ulong first, uint count) = RangeAt(list, at);
            status = _namespace.Contains(first, count) ? NvmeStatus.Success : NvmeStatus.LbaOutOfRange;
        }

        for (int at = 0; at < list.Length && status == NvmeStatus.Success && (command.Word11 & Deallocate) != 0; at += RangeBytes)
        {
            (ulong first, uint count) = RangeAt(list, at);
            status = Clear(first, count);
        }

        return status;
    }

    private static (ulong First, uint Count) RangeAt(ReadOnlySpan<byte> list, int at) =>
        (BinaryPrimitives.ReadUInt64LittleEndian(list[(at + 8)..]), BinaryPrimitives.ReadUInt32LittleEndian(list[(at + 4)..]));
}
