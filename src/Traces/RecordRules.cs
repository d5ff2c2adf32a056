namespace FastIova;

/// <summary>The rules that the records of one trace keep, asked record by record in the order of the file.</summary>
/// <remarks>
/// Whether translations agree with the live mappings is not asked here: that takes a whole model of the mappings, which
/// is what the programs that replay a trace are there to be.
/// Threads: one.
/// </remarks>
internal sealed class RecordRules
{
    private const ushort NotAttached = TraceRecord.UnknownDomain;
    private const ulong PageMask = (1UL << TraceRecord.PageLg2) - 1;
    private const byte Direction = TraceRecord.ReadFlag | TraceRecord.WriteFlag;

    private const byte TranslateFlags = Direction | TraceRecord.DirectionInferredFlag | TraceRecord.MissedIotlbFlag
        | TraceRecord.ReconstructedFlag | TraceRecord.DisagreesFlag;

    private readonly TraceHeader _header;
    private readonly bool[] _domains = new bool[ushort.MaxValue + 1];
    private readonly ushort[] _attachedTo = new ushort[ushort.MaxValue + 1];
    private readonly long[] _seen = new long[TraceOpNames.End];

    /// <summary>Begins before the first record.</summary>
    /// <param name="header">The header of the trace.</param>
    internal RecordRules(TraceHeader header)
    {
        _header = header;
        foreach (ushort domain in header.Domains.Keys)
        {
            _domains[domain] = true;
        }

        Array.Fill(_attachedTo, NotAttached);
    }

    /// <summary>Checks the next record.</summary>
    /// <param name="record">The record.</param>
    /// <returns>The value and the rule it breaks, or null when it keeps all.</returns>
    internal string? Check(in TraceRecord record)
    {
        if (record.Op is TraceOp.None or > TraceOp.Fault)
        {
            return $"op is {(byte)record.Op}; operations are 1 to {(byte)TraceOp.Fault}";
        }

        _seen[(int)record.Op]++;
        string? broken = CheckFlags(record) ?? record.Op switch
        {
            TraceOp.Map => CheckKnownDomain(record, record.Id) ?? CheckRange(record) ?? CheckPhysical(record),
            TraceOp.Unmap => CheckKnownDomain(record, record.Id) ?? CheckRange(record) ?? CheckNoAddress(record),
            TraceOp.Translate => CheckTranslate(record),
            TraceOp.InvalidateRange => CheckFlushedDomain(record) ?? CheckRange(record),
            TraceOp.InvalidateDomain => CheckFlushedDomain(record) ?? CheckNoLength(record) ?? CheckNoIova(record),
            TraceOp.InvalidateGlobal => CheckGlobal(record),
            TraceOp.Attach => CheckAttach(record),
            TraceOp.Detach => CheckDetach(record),
            TraceOp.Mark => CheckMark(record),
            _ => null,
        };
        return broken is null ? null : $"{record.Op.Name()}: {broken}";
    }

    /// <summary>Checks, behind the last record, that the header told the truth.</summary>
    /// <returns>The value and the rule it breaks, or null.</returns>
    internal string? CheckCounts()
    {
        for (int op = 1; op < _seen.Length; op++)
        {
            long promised = _header.Count((TraceOp)op);
            if (_seen[op] != promised)
            {
                return $"header key counts.{((TraceOp)op).Name()} is {promised}; it is the number of such records, here {_seen[op]}";
            }
        }

        return null;
    }

    private static string? CheckFlags(in TraceRecord record)
    {
        byte known = record.Op switch
        {
            TraceOp.Map or TraceOp.Fault => Direction,
            TraceOp.Translate => TranslateFlags,
            _ => 0,
        };
        if ((record.Flags & ~known) != 0)
        {
            return $"flags are 0x{record.Flags:x2}; only the bits of 0x{known:x2} are in use";
        }

        return record.Op == TraceOp.Map && record.Flags == 0 ? "flags are 0x00; a mapping lets the device read or write" : null;
    }

    private string? CheckKnownDomain(in TraceRecord record, uint domain) => domain <= ushort.MaxValue && _domains[domain]
        ? null
        : $"domain is {domain} (record {record}); the header lists {_domains.AsSpan().Count(true)} domains and this is none of them";

    private string? CheckFlushedDomain(in TraceRecord record) =>
        record.Id == TraceRecord.UnknownDomain ? null : CheckKnownDomain(record, record.Id);

    private static string? CheckRange(in TraceRecord record)
    {
        if (record.Length == 0)
        {
            return "length is 0; a range has at least one page";
        }

        if ((record.Iova & PageMask) != 0)
        {
            return $"IOVA is 0x{record.Iova:x}; a range starts at a multiple of 0x1000";
        }

        return record.Iova + (record.ByteLength - 1) < record.Iova
            ? $"{record.Length} pages from IOVA 0x{record.Iova:x} wrap; a range ends below 2^64"
            : null;
    }

    private static string? CheckPhysical(in TraceRecord record)
    {
        if ((record.Address & PageMask) != 0)
        {
            return $"physical address is 0x{record.Address:x}; pages start at a multiple of 0x1000";
        }

        return record.Address + (record.ByteLength - 1) < record.Address
            ? $"{record.Length} pages from physical address 0x{record.Address:x} wrap; a range ends below 2^64"
            : null;
    }

    private string? CheckTranslate(in TraceRecord record)
    {
        if (_attachedTo[record.Device] == NotAttached)
        {
            return $"device is 0x{record.Device:x4}, attached to no domain; a device is attached before it translates";
        }

        if (!uint.IsPow2(record.Length))
        {
            return $"page size is {record.Length} pages of 4 KiB; page sizes are powers of two";
        }

        return ((record.Iova ^ record.Address) & PageMask) != 0
            ? $"IOVA 0x{record.Iova:x} became physical address 0x{record.Address:x}; the offset in the page is kept"
            : null;
    }

    private static string? CheckGlobal(in TraceRecord record) => record.Id != TraceRecord.UnknownDomain
        ? $"id is 0x{record.Id:x4}; it is 0xffff, for no domain in particular"
        : CheckNoLength(record) ?? CheckNoIova(record) ?? CheckNoAddress(record);

    private string? CheckAttach(in TraceRecord record)
    {
        string? broken = CheckKnownDomain(record, record.Length) ?? CheckNoIova(record) ?? CheckNoAddress(record);
        if (broken is null)
        {
            _attachedTo[record.Device] = record.Domain;
        }

        return broken;
    }

    private string? CheckDetach(in TraceRecord record)
    {
        string? broken = CheckKnownDomain(record, record.Length) ?? CheckNoIova(record) ?? CheckNoAddress(record);
        if (broken is null && _attachedTo[record.Device] != record.Domain)
        {
            broken = $"device 0x{record.Device:x4} leaves domain {record.Domain}; it leaves the domain it was last attached to";
        }

        _attachedTo[record.Device] = NotAttached;
        return broken;
    }

    private static string? CheckMark(in TraceRecord record) =>
        record.Id != 0 ? $"id is 0x{record.Id:x4}; it is 0" : CheckNoIova(record) ?? CheckNoAddress(record);

    private static string? CheckNoLength(in TraceRecord record) => record.Length == 0 ? null : $"length is {record.Length}; it is 0";

    private static string? CheckNoIova(in TraceRecord record) => record.Iova == 0 ? null : $"IOVA is 0x{record.Iova:x}; it is 0";

    private static string? CheckNoAddress(in TraceRecord record) => record.Address == 0 ? null : $"address is 0x{record.Address:x}; it is 0";
}
