using System.Buffers.Binary;

namespace FastIova;

/// <summary>What a controller remembers of errors and of its life.</summary>
/// <remarks>Owns: the last 64 errors, newest first when read; counters. Threads: the controller's.</remarks>
internal sealed class NvmeLog
{
    internal const byte Errors = 1;
    internal const byte Health = 2;
    internal const byte Firmware = 3;
    internal const byte Effects = 5;

    internal const int ErrorsMost = 64;
    private const int ErrorBytes = 64;
    private const int HealthBytes = 512;

    private readonly byte[] _errors = new byte[ErrorsMost * ErrorBytes];
    private ulong _errorCount;
    private ulong _mediaErrors;
    private ulong _reads;
    private ulong _writes;
    private ulong _bytesRead;
    private ulong _bytesWritten;

    /// <summary>Counts an I/O command that has moved data.</summary>
    internal void Count(bool write, ulong bytes)
    {
        if (write)
        {
            _writes++;
            _bytesWritten += bytes;
        }
        else
        {
            _reads++;
            _bytesRead += bytes;
        }
    }

    /// <summary>Remembers a command that failed.</summary>
    internal void Add(int queue, in NvmeCommand command, NvmeStatus status, bool hasBlock)
    {
        Span<byte> entry = _errors.AsSpan((int)(_errorCount++ % ErrorsMost) * ErrorBytes, ErrorBytes);
        entry.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(entry, _errorCount);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[8..], (ushort)queue);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[10..], command.Id);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[12..], (ushort)(status.Field() << 1));
        BinaryPrimitives.WriteUInt16LittleEndian(entry[14..], 0xFFFF); // no field of the command in particular
        BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], hasBlock ? command.FirstBlock : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], command.Namespace);
        _mediaErrors += status is NvmeStatus.UnrecoveredRead or NvmeStatus.WriteFault ? 1u : 0;
    }

    /// <summary>Fills a page with a log.</summary>
    /// <param name="id">Which.</param>
    /// <param name="page">4096 bytes.</param>
    /// <param name="isHot">Whether the temperature is beyond its threshold.</param>
    /// <returns>The length of the log; zero when there is no such log.</returns>
    internal int Fill(byte id, Span<byte> page, bool isHot)
    {
        page.Clear();
        switch (id)
        {
            case Errors:
                FillErrors(page);
                return _errors.Length;
            case Health:
                FillHealth(page, isHot);
                return HealthBytes;
            case Firmware:
                page[0] = 1;
                NvmeText.Write(page.Slice(8, 8), NvmeText.Firmware);
                return HealthBytes;
            case Effects:
                FillEffects(page);
                return page.Length;
            default:
                return 0;
        }
    }

    private void FillErrors(Span<byte> page)
    {
        int there = (int)Math.Min(_errorCount, ErrorsMost);
        for (int i = 0; i < there; i++)
        {
            int at = (int)((_errorCount - 1 - (uint)i) % ErrorsMost) * ErrorBytes;
            _errors.AsSpan(at, ErrorBytes).CopyTo(page[(i * ErrorBytes)..]);
        }
    }

    private void FillHealth(Span<byte> page, bool isHot)
    {
        page[0] = (byte)(isHot ? 2 : 0);
        BinaryPrimitives.WriteUInt16LittleEndian(page[1..], (ushort)NvmeFeatures.Temperature);
        page[3] = 100; // per cent spare
        page[4] = 10;
        BinaryPrimitives.WriteUInt64LittleEndian(page[32..], Units(_bytesRead));
        BinaryPrimitives.WriteUInt64LittleEndian(page[48..], Units(_bytesWritten));
        BinaryPrimitives.WriteUInt64LittleEndian(page[64..], _reads);
        BinaryPrimitives.WriteUInt64LittleEndian(page[80..], _writes);
        BinaryPrimitives.WriteUInt64LittleEndian(page[112..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(page[160..], _mediaErrors);
        BinaryPrimitives.WriteUInt64LittleEndian(page[176..], _errorCount);
    }

    private static void FillEffects(Span<byte> page)
    {
        const uint Supported = 1;
        const uint ChangesBlocks = 2;
        const uint ChangesNamespace = 8;
        foreach (NvmeAdminOpcode opcode in Enum.GetValues<NvmeAdminOpcode>())
        {
            uint effect = opcode == NvmeAdminOpcode.Format ? Supported | ChangesBlocks | ChangesNamespace : Supported;
            BinaryPrimitives.WriteUInt32LittleEndian(page[(4 * (int)opcode)..], effect);
        }

        foreach (NvmeIoOpcode opcode in Enum.GetValues<NvmeIoOpcode>())
        {
            bool changes = opcode is NvmeIoOpcode.Write or NvmeIoOpcode.WriteZeroes or NvmeIoOpcode.DatasetManagement;
            BinaryPrimitives.WriteUInt32LittleEndian(page[(1024 + (4 * (int)opcode))..], changes ? Supported | ChangesBlocks : Supported);
        }
    }

    // Thousands of 512 bytes, rounded up.
    private static ulong Units(ulong bytes) => (bytes + 511_999) / 512_000;
}
