using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Reads one trace from a stream: container, header, records, each checked before the next is touched.</summary>
/// <remarks>
/// Memory grows with what really arrives, never with what the header promises, and never past the promise. Records are
/// checked piece by piece while they arrive, so that a file of nonsense is refused at its first record.
/// Threads: one.
/// </remarks>
internal sealed class TraceReader
{
    private const int FirstRecords = 4096;
    private const string Remedy = "Fetch the file again, or convert the recording again.";

    private readonly string _trace;
    private readonly Stream _raw;
    private Stream _content;
    private long _offset;

    private TraceReader(Stream raw, string trace)
    {
        _raw = raw;
        _content = raw;
        _trace = trace;
    }

    /// <summary>Reads a trace.</summary>
    /// <param name="raw">A seekable stream: plain, gzip or xz, told apart by its first bytes.</param>
    /// <param name="trace">What errors call it.</param>
    /// <param name="records">All records.</param>
    /// <returns>The header.</returns>
    /// <exception cref="TraceFormatException">The trace breaks a rule.</exception>
    internal static TraceHeader Read(Stream raw, string trace, out TraceRecord[] records)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Records are used as they lie in the file, little-endian: use a machine of that byte order.");
        }

        var reader = new TraceReader(raw, trace);
        try
        {
            return reader.Read(out records);
        }
        catch (InvalidDataException e)
        {
            long compressed = reader._content is XzStream xz ? xz.CompressedPosition : raw.Position;
            string damage = reader._content is XzStream ? e.Message : $"the gzip stream is damaged before this byte ({e.Message})";
            throw new TraceFormatException(trace, compressed, $"{damage}; a compressed trace is whole", Remedy, e);
        }
        finally
        {
            reader._content.Dispose();
        }
    }

    private TraceHeader Read(out TraceRecord[] records)
    {
        _content = OpenContainer();
        byte[] json = ReadHeaderBytes();
        var header = TraceHeader.Parse(json, _trace);
        records = ReadRecords(header);
        return header;
    }

    private Stream OpenContainer()
    {
        Span<byte> magic = stackalloc byte[6];
        long start = _raw.Position;
        int length = _raw.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        magic = magic[..length];
        _raw.Position = start;
        if (magic.StartsWith((ReadOnlySpan<byte>)[0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]))
        {
            return new XzStream(_raw);
        }

        if (magic.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b, 8]))
        {
            return new GZipStream(_raw, CompressionMode.Decompress);
        }

        if (magic.StartsWith("{"u8))
        {
            return _raw;
        }

        throw new TraceFormatException(
            _trace,
            0,
            $"the first bytes are {(length == 0 ? "missing" : Convert.ToHexStringLower(magic))}; a trace begins with 7b (an opening brace), compressed with fd377a585a00 (xz) or 1f8b08 (gzip)",
            "Give a .dmt file, plain or compressed.");
    }

    /// <remarks>
    /// The header fills whole records, so the newline that ends it is the last byte of a 24-byte piece and nothing is read too far.
    /// </remarks>
    private byte[] ReadHeaderBytes()
    {
        byte[] header = new byte[1024 / TraceRecord.Bytes * TraceRecord.Bytes];
        int length = 0;
        while (true)
        {
            if (length == header.Length)
            {
                if (length >= TraceHeader.BytesMax)
                {
                    throw Broken($"the header has no end in {length} bytes", $"it ends with a newline within {TraceHeader.BytesMax} bytes");
                }

                Array.Resize(ref header, header.Length * 2);
            }

            Span<byte> piece = header.AsSpan(length, TraceRecord.Bytes);
            int read = _content.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false);
            int newline = piece[..read].IndexOf((byte)'\n');
            if (newline >= 0 && newline != TraceRecord.Bytes - 1)
            {
                throw Broken($"the header has {length + newline + 1} bytes", $"its length is a multiple of {TraceRecord.Bytes}, reached with spaces before the newline");
            }

            if (read < piece.Length)
            {
                _offset = length + read;
                throw Broken("the trace ends in its header", "a header ends with a newline");
            }

            length += read;
            if (newline >= 0)
            {
                _offset = length;
                return header.AsSpan(0, length).ToArray();
            }
        }
    }

    private TraceRecord[] ReadRecords(TraceHeader header)
    {
        var rules = new RecordRules(header);
        var records = new TraceRecord[int.Min(header.Records, FirstRecords)];
        int count = 0;
        while (count < header.Records)
        {
            if (count == records.Length)
            {
                Array.Resize(ref records, (int)long.Min(header.Records, 2L * records.Length));
            }

            Span<TraceRecord> piece = records.AsSpan(count);
            Span<byte> bytes = MemoryMarshal.AsBytes(piece);
            int read = _content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            int whole = read / TraceRecord.Bytes;
            for (int i = 0; i < whole; i++)
            {
                if (rules.Check(piece[i]) is { } broken)
                {
                    throw new TraceFormatException(_trace, _offset, $"record {count + i}, {broken}", Remedy);
                }

                _offset += TraceRecord.Bytes;
            }

            count += whole;
            if (read < bytes.Length)
            {
                _offset += read % TraceRecord.Bytes;
                throw Broken($"the trace ends after {count} whole records", $"header key records promises {header.Records}");
            }
        }

        // One more read: it proves that nothing follows, and lets the container check its sums.
        if (_content.Read(stackalloc byte[1]) != 0)
        {
            throw Broken($"bytes follow record {header.Records - 1}", $"header key records promises {header.Records} records and no more");
        }

        CheckGzipEnd();
        if (rules.CheckCounts() is { } untrue)
        {
            throw new TraceFormatException(_trace, 0, untrue, Remedy);
        }

        return records;
    }

    /// <remarks>
    /// The stream of the runtime is content with a trailer that is cut off, and skips what follows one. The length that ends
    /// every gzip member shows both.
    /// </remarks>
    private void CheckGzipEnd()
    {
        if (_content is not GZipStream)
        {
            return;
        }

        Span<byte> trailer = stackalloc byte[sizeof(uint)];
        _raw.Seek(-trailer.Length, SeekOrigin.End);
        _raw.ReadExactly(trailer);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        if (length != (uint)_offset)
        {
            throw new TraceFormatException(
                _trace,
                _raw.Length - trailer.Length,
                $"the gzip file ends with the length {length}; it is {_offset}, for one member that is whole and followed by nothing",
                "Fetch the file again, or pack it again with gzip.");
        }
    }

    private TraceFormatException Broken(string found, string rule) => new(_trace, _offset, $"{found}; {rule}", Remedy);
}
