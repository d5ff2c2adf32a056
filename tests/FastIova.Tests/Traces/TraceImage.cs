using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace FastIova.Tests;

/// <summary>Traces made by hand, as the bytes of a file, and the containers they come in.</summary>
internal static partial class TraceImage
{
    internal const ushort Device = 0x20;

    /// <summary>A small trace with every operation but detach and fault.</summary>
    internal static TraceRecord[] Small { get; } =
    [
        new(TraceOp.InvalidateGlobal, 0, 0xffff, 0, 0, 0),
        new(TraceOp.Attach, 0, Device, 1, 0, 0),
        new(TraceOp.Map, 3, 1, 4, 0xfffff000_00000000, 0x7000),
        new(TraceOp.Mark, 0, 0, 1, 0, 0),
        new(TraceOp.Map, 1, 1, 1, 0x8000, 0x123000),
        new(TraceOp.Translate, 1, Device, 1, 0x8010, 0x123010),
        new(TraceOp.Translate, 8, Device, 4, 0xfffff000_00003fff, 0xafff),
        new(TraceOp.Unmap, 0, 1, 1, 0x8000, 0),
        new(TraceOp.InvalidateRange, 0, 1, 1, 0x8000, 7),
        new(TraceOp.InvalidateDomain, 0, 0xffff, 0, 0, 7),
        new(TraceOp.Mark, 0, 0, 2, 0, 0),
        new(TraceOp.Unmap, 0, 1, 4, 0xfffff000_00000000, 0),
    ];

    internal static byte[] Of(params ReadOnlySpan<TraceRecord> records) => Of(Header(records), records);

    internal static byte[] Of(string header, ReadOnlySpan<TraceRecord> records)
    {
        int length = Encoding.UTF8.GetByteCount(header) + 1;
        int padding = (TraceRecord.Bytes - (length % TraceRecord.Bytes)) % TraceRecord.Bytes;
        return [.. Encoding.UTF8.GetBytes(header), .. Enumerable.Repeat((byte)' ', padding), (byte)'\n', .. MemoryMarshal.AsBytes(records)];
    }

    internal static string Header(ReadOnlySpan<TraceRecord> records)
    {
        var counts = new SortedDictionary<TraceOp, int>();
        foreach (TraceRecord record in records)
        {
            counts[record.Op] = counts.GetValueOrDefault(record.Op) + 1;
        }

        string list = string.Join(", ", counts.Select(count => $"\"{count.Key.Name()}\": {count.Value}"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"magic": "DMT1", "record": 24, "records": {{records.Length}}, "workload": "hand", "iommu": "none", "mode": "strict", "what": "by hand", "counts": {{{list}}}, "domains": {"0": "dma", "1": "unmanaged"}, "devices": {"00:04.0": 32}, "peak_live_pages": 5, "violations": {} }""");
    }

    internal static byte[] Gzip(ReadOnlySpan<byte> plain)
    {
        var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest))
        {
            gzip.Write(plain);
        }

        return buffer.ToArray();
    }

    internal static unsafe byte[] Xz(ReadOnlySpan<byte> plain)
    {
        const int Crc64 = 4;
        byte[] buffer = new byte[plain.Length + (plain.Length / 2) + 1024];
        nuint length = 0;

        // SAFETY: both arrays are pinned for the call, and their lengths go with them.
        fixed (byte* from = plain)
        fixed (byte* to = buffer)
        {
            int status = EncodeBuffer(0, Crc64, null, from, (nuint)plain.Length, to, &length, (nuint)buffer.Length);
            if (status != 0)
            {
                throw new InvalidOperationException($"liblzma answers {status} to a buffer of {plain.Length} bytes: give the encoder more room.");
            }
        }

        return buffer[..(int)length];
    }

    internal static DmaTrace Read(byte[] image) => DmaTrace.Read(new MemoryStream(image, writable: false), "hand.dmt");

    // SAFETY: called by Xz only, which says why.
    [LibraryImport("liblzma.so.5", EntryPoint = "lzma_easy_buffer_encode")]
    private static unsafe partial int EncodeBuffer(
        uint preset, int check, void* allocator, byte* from, nuint fromLength, byte* to, nuint* toPosition, nuint toLength);
}
