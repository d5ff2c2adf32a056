using System.Buffers.Binary;
using System.Text;

namespace FastIova;

/// <content>What the controller says of itself: Identify and the logs.</content>
internal sealed partial class NvmeController
{
    /// <summary>The most pages of 4 KiB that a command moves, as a log2: 512 KiB.</summary>
    internal const int TransferMostLg2 = 7;

    private const int PageBytes = 4096;

    private readonly byte[] _page = new byte[PageBytes];
    private readonly NvmeLog _log = new();

    private NvmeStatus Identify(in NvmeCommand command)
    {
        const uint LastSpecial = 0xFFFFFFFE;
        switch ((byte)command.Word10)
        {
            case 0 when command.Namespace == NvmeNamespace.Id:
                _namespace.Identify(_page);
                break;
            case 1:
                IdentifyController(_page);
                break;
            case 2 when command.Namespace < LastSpecial:
                Array.Clear(_page);
                BinaryPrimitives.WriteUInt32LittleEndian(_page, command.Namespace < NvmeNamespace.Id ? NvmeNamespace.Id : 0);
                break;
            case 3 when command.Namespace == NvmeNamespace.Id:
                _namespace.Describe(_page);
                break;
            case 0 or 2 or 3:
                return NvmeStatus.InvalidNamespace;
            default:
                return NvmeStatus.InvalidField;
        }

        return SendPage(command, _page);
    }

    private NvmeStatus SendPage(in NvmeCommand command, ReadOnlySpan<byte> data)
    {
        NvmeStatus status = _transfer.Begin(command, (ulong)data.Length, _pageLg2, toHost: true);
        return status == NvmeStatus.Success ? _transfer.ToHost(data) : status;
    }

    private NvmeStatus GetLogPage(in NvmeCommand command)
    {
        byte id = (byte)command.Word10;
        ulong bytes = ((command.Word10 >> 16) + ((ulong)(command.Word11 & 0xFFFF) << 16) + 1) * sizeof(uint);
        ulong offset = command.Word12 | ((ulong)command.Word13 << 32);
        int length = _log.Fill(id, _page, _features.IsTemperatureBeyond);
        if (length == 0)
        {
            return NvmeStatus.InvalidLogPage;
        }

        bool isOfNamespace = id == NvmeLog.Health && command.Namespace is not (0 or NvmeCommand.EveryNamespace);
        if (isOfNamespace || offset > (ulong)length || offset % sizeof(uint) != 0)
        {
            return NvmeStatus.InvalidField;
        }

        // What a driver asks for beyond the end of the log it does not get.
        ReadOnlySpan<byte> part = _page.AsSpan((int)offset, (int)Math.Min(bytes, (ulong)length - offset));
        NvmeStatus status = SendPage(command, part);
        bool keepsEvent = (command.Word10 & (1u << 15)) != 0;
        if (status == NvmeStatus.Success && !keepsEvent && id is NvmeLog.Errors or NvmeLog.Health)
        {
            _events.Clear(id == NvmeLog.Errors ? NvmeEvents.ErrorType : NvmeEvents.HealthType);
        }

        return status;
    }

    private void LogError(int queue, in NvmeCommand command, NvmeStatus status)
    {
        bool hasBlock = queue != 0 && (NvmeIoOpcode)command.Opcode is NvmeIoOpcode.Read or NvmeIoOpcode.Write or NvmeIoOpcode.Compare or NvmeIoOpcode.WriteZeroes;
        _log.Add(queue, command, status, hasBlock);
    }

    // Identify Controller (NVMe 1.4, figure 247).
    private void IdentifyController(Span<byte> page)
    {
        page.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(page, NvmeModel.Vendor);
        BinaryPrimitives.WriteUInt16LittleEndian(page[2..], NvmeModel.SubsystemVendor);
        NvmeText.Write(page.Slice(4, 20), _serial);
        NvmeText.Write(page.Slice(24, 40), NvmeText.Model);
        NvmeText.Write(page.Slice(64, 8), NvmeText.Firmware);
        page[72] = 4; // commands that it likes to take at once, as a log2
        page[77] = TransferMostLg2;
        BinaryPrimitives.WriteUInt32LittleEndian(page[80..], NvmeRegister.Version14);
        page[111] = 1; // an I/O controller
        BinaryPrimitives.WriteUInt16LittleEndian(page[256..], 1 << 1); // Format NVM
        page[258] = 3; // aborts at a time, less one
        page[259] = NvmeEvents.RequestsMost - 1;
        page[260] = 0b11; // one slot of firmware, which cannot be written
        page[261] = 0b110; // the log of effects; offsets in logs
        page[262] = NvmeLog.ErrorsMost - 1;
        BinaryPrimitives.WriteUInt16LittleEndian(page[266..], 343);
        BinaryPrimitives.WriteUInt16LittleEndian(page[268..], 353);
        page[512] = 0x66;
        page[513] = 0x44;
        BinaryPrimitives.WriteUInt32LittleEndian(page[516..], NvmeNamespace.Id);
        BinaryPrimitives.WriteUInt16LittleEndian(page[520..], 0b1_1101); // compare, dataset management, write zeroes, select in Get Features
        page[524] = 1; // a format is for every namespace
        page[525] = 0b111; // a write cache; a flush may name every namespace
        BinaryPrimitives.WriteUInt32LittleEndian(page[536..], 1 | (1 << 16) | (1 << 18)); // SGLs, with bit buckets, and longer than the data
        _ = Encoding.ASCII.GetBytes("nqn.2026-01.io.fastiova:", page[768..]);
        _ = Encoding.ASCII.GetBytes(_serial, page[(768 + 24)..]);
        BinaryPrimitives.WriteUInt16LittleEndian(page[2048..], 2500); // 25 W, the one power state
    }
}
