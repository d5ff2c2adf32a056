using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace FastIova.Cli;

/// <summary>Writes what an engine maps and what its devices translate as a DMA trace, which <c>trace info</c>, <c>trace replay</c> and <c>bench --trace</c> read.</summary>
/// <remarks>
/// <para>Owns: the records in a file beside the trace, until <see cref="Dispose"/> puts the header before them.</para>
/// <para>Invariants. R1: every record keeps the rules of the format. R2: physical addresses are made up: a compact memory in which every
/// mapping has pages of its own, so that a replay needs no more than was mapped at once. R3: what was translated without a mapping is a fault.</para>
/// <para>Threads: any, one after the other.</para>
/// </remarks>
internal sealed class DmaRecorder : IDmaRecorder, IDisposable
{
    private const int PageLg2 = TraceRecord.PageLg2;
    private const ulong PageMask = (1UL << PageLg2) - 1;
    private const ulong PagesMost = uint.MaxValue;

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly FileStream _records;
    private readonly Dictionary<ulong, (ushort Number, RecordedSpace Space)> _spaces = [];
    private readonly Dictionary<RecordedDevice, ushort> _devices = [];
    private readonly Dictionary<ushort, ushort> _attachedTo = [];
    private readonly Dictionary<ulong, Stack<ulong>> _free = [];
    private readonly long[] _counts = new long[TraceOpNames.End];
    private ulong _memoryEnd = 1UL << PageLg2;
    private long _live;
    private long _peak;
    private long _count;
    private bool _isDisposed;

    /// <param name="path">The trace; it is written when the recorder is disposed of.</param>
    /// <exception cref="IOException">Nothing can be written there.</exception>
    internal DmaRecorder(string path)
    {
        _path = path;
        _records = new FileStream(path + ".records", FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 1 << 16, FileOptions.DeleteOnClose);
        Mark(0);
        Mark(1); // the workload is everything
    }

    /// <summary>How many records there are; those beyond the most that a trace can have are left out.</summary>
    internal long Count => Volatile.Read(ref _count);

    /// <inheritdoc/>
    public void Map(ulong space, IovaSpan span, Permission permission)
    {
        lock (_gate)
        {
            ulong pages = (span.LengthLessOne >> PageLg2) + 1;
            if ((permission & Permission.ReadWrite) == Permission.None || pages > PagesMost || ((span.First | (span.Last + 1)) & PageMask) != 0 || !TrySpace(space, out ushort number, out RecordedSpace? known))
            {
                return;
            }

            known!.Unmap(span, Free);
            ulong address = Take(pages);
            known.Map(span, address);
            Add(new TraceRecord(TraceOp.Map, Flags(permission), number, (uint)pages, span.First, address));
            _live += (long)pages;
            _peak = Math.Max(_peak, _live);
        }
    }

    /// <inheritdoc/>
    public void Unmap(ulong space, IovaSpan span)
    {
        lock (_gate)
        {
            ulong pages = (span.LengthLessOne >> PageLg2) + 1;
            if (pages <= PagesMost && ((span.First | (span.Last + 1)) & PageMask) == 0 && TrySpace(space, out ushort number, out RecordedSpace? known) && known!.Unmap(span, Free))
            {
                Add(new TraceRecord(TraceOp.Unmap, 0, number, (uint)pages, span.First, 0));
            }
        }
    }

    /// <inheritdoc/>
    public void Attach(RecordedDevice device, ulong space)
    {
        lock (_gate)
        {
            if (TrySpace(space, out ushort domain, out _) && TryDevice(device, out ushort number))
            {
                _attachedTo[number] = domain;
                Add(new TraceRecord(TraceOp.Attach, 0, number, domain, 0, 0));
            }
        }
    }

    /// <inheritdoc/>
    public void Detach(RecordedDevice device)
    {
        lock (_gate)
        {
            if (TryDevice(device, out ushort number) && _attachedTo.Remove(number, out ushort domain))
            {
                Add(new TraceRecord(TraceOp.Detach, 0, number, domain, 0, 0));
            }
        }
    }

    /// <inheritdoc/>
    public void Translate(RecordedDevice device, ulong iova, Permission access, bool isGood)
    {
        lock (_gate)
        {
            if (!TryDevice(device, out ushort number) || !_attachedTo.TryGetValue(number, out ushort domain))
            {
                return;
            }

            if (isGood && SpaceOf(domain).TryTranslate(iova, out ulong address))
            {
                Add(new TraceRecord(TraceOp.Translate, Flags(access), number, 1, iova, address));
            }
            else
            {
                Add(new TraceRecord(TraceOp.Fault, Flags(access), number, 0, iova, 0));
            }
        }
    }

    /// <summary>Writes the trace.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            Mark(2);
            _isDisposed = true;
            using (FileStream trace = new(_path, FileMode.Create, FileAccess.Write))
            {
                trace.Write(Header());
                _records.Position = 0;
                _records.CopyTo(trace);
            }

            _records.Dispose();
        }
    }

    private static byte Flags(Permission access) =>
        (byte)(((access & Permission.Read) != Permission.None ? TraceRecord.ReadFlag : 0) | ((access & Permission.Write) != Permission.None ? TraceRecord.WriteFlag : 0));

    private void Mark(uint phase) => Add(new TraceRecord(TraceOp.Mark, 0, 0, phase, 0, 0));

    private void Add(in TraceRecord record)
    {
        if (!_isDisposed && (_count < TraceHeader.RecordsMax - 1 || record is { Op: TraceOp.Mark, Phase: 2 }))
        {
            _records.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<TraceRecord>(in record)));
            _counts[(int)record.Op]++;
            Volatile.Write(ref _count, _count + 1);
        }
    }

    private RecordedSpace SpaceOf(ushort number) => _spaces.Values.First(each => each.Number == number).Space;

    private bool TrySpace(ulong space, out ushort number, out RecordedSpace? known)
    {
        bool isKnown = _spaces.TryGetValue(space, out (ushort Number, RecordedSpace Space) found);
        if (!isKnown && _spaces.Count < TraceRecord.UnknownDomain)
        {
            _spaces[space] = found = ((ushort)_spaces.Count, new RecordedSpace());
            isKnown = true;
        }

        (number, known) = found;
        return isKnown;
    }

    // Its own number when nobody has it; else the next that is free: the format knows no PASIDs and no queues.
    private bool TryDevice(RecordedDevice device, out ushort number)
    {
        if (_devices.TryGetValue(device, out number))
        {
            return true;
        }

        uint wanted = device.Number & ushort.MaxValue;
        for (uint tries = 0; tries <= ushort.MaxValue; tries++, wanted = (wanted + 1) & ushort.MaxValue)
        {
            if (!_devices.ContainsValue((ushort)wanted))
            {
                _devices[device] = number = (ushort)wanted;
                return true;
            }
        }

        return false;
    }

    private ulong Take(ulong pages)
    {
        if (_free.TryGetValue(pages, out Stack<ulong>? fitting) && fitting.TryPop(out ulong free))
        {
            return free;
        }

        ulong address = _memoryEnd;
        _memoryEnd += pages << PageLg2;
        return address;
    }

    private void Free(ulong address, ulong bytesLessOne)
    {
        ulong pages = (bytesLessOne >> PageLg2) + 1;
        if (!_free.TryGetValue(pages, out Stack<ulong>? fitting))
        {
            _free[pages] = fitting = new Stack<ulong>();
        }

        fitting.Push(address);
        _live -= (long)pages;
    }

    private byte[] Header()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("magic", TraceHeader.Magic);
            json.WriteNumber("record", TraceRecord.Bytes);
            json.WriteNumber("records", _count);
            json.WriteString("workload", DmaTrace.ShortName(_path));
            json.WriteString("what", "recorded from a FastIova engine; physical addresses are made up");
            json.WriteString("iommu", "virtio");
            json.WriteString("mode", "strict");
            json.WriteString("emulator", "FastIova");
            json.WriteNumber("peak_live_pages", _peak);
            json.WriteStartObject("counts");
            for (int op = 1; op < _counts.Length; op++)
            {
                if (_counts[op] != 0)
                {
                    json.WriteNumber(((TraceOp)op).Name(), _counts[op]);
                }
            }

            json.WriteEndObject();
            json.WriteStartObject("domains");
            foreach ((ushort number, RecordedSpace _) in _spaces.Values)
            {
                json.WriteString(number.ToString(CultureInfo.InvariantCulture), "dma");
            }

            json.WriteEndObject();
            json.WriteStartObject("devices");
            foreach ((RecordedDevice device, ushort number) in _devices)
            {
                json.WriteNumber(string.Create(CultureInfo.InvariantCulture, $"{device.Name}#{number}"), number);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        string text = Encoding.UTF8.GetString(stream.ToArray());
        int bytes = (int)stream.Length;
        int padding = (TraceRecord.Bytes - ((bytes + 1) % TraceRecord.Bytes)) % TraceRecord.Bytes;
        return Encoding.UTF8.GetBytes(text + new string(' ', padding) + "\n");
    }
}
