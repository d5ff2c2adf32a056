using System.Text;
using Xunit;

namespace FastIova.Tests;

public sealed class TraceRulesTests
{
    private const ushort Device = TraceImage.Device;

    public static TheoryData<string, byte, byte, ushort, uint, ulong, ulong, string> BrokenRecords { get; } = new()
    {
        { "no operation", 0, 0, 0, 0, 0, 0, "op is 0" },
        { "unknown operation", 11, 0, 0, 0, 0, 0, "op is 11" },
        { "unknown flag", 1, 7, 1, 1, 0, 0, "flags are 0x07" },
        { "unmap with flags", 2, 1, 1, 1, 0x1000, 0, "flags are 0x01" },
        { "map for nobody", 1, 0, 1, 1, 0, 0, "lets the device read or write" },
        { "map in no domain", 1, 3, 2, 1, 0, 0, "domain is 2" },
        { "map of nothing", 1, 3, 1, 0, 0, 0, "length is 0" },
        { "map askew", 1, 3, 1, 1, 0x800, 0, "IOVA is 0x800" },
        { "map to askew pages", 1, 3, 1, 1, 0, 0x10, "physical address is 0x10" },
        { "map past the top", 1, 3, 1, 2, 0xffffffff_fffff000, 0, "wrap" },
        { "map of pages past the top", 1, 3, 1, 2, 0, 0xffffffff_fffff000, "wrap" },
        { "unmap of nothing", 2, 0, 1, 0, 0, 0, "length is 0" },
        { "unmap with an address", 2, 0, 1, 1, 0, 0x1000, "address is 0x1000" },
        { "translate by a stranger", 3, 0, 0x99, 1, 0, 0, "device is 0x0099" },
        { "translate with an odd page size", 3, 0, Device, 3, 0, 0, "page size is 3" },
        { "translate without a page size", 3, 0, Device, 0, 0, 0, "page size is 0" },
        { "translate that loses the offset", 3, 0, Device, 1, 0x10, 0x1011, "offset in the page" },
        { "flush of no domain", 4, 0, 2, 1, 0, 0, "domain is 2" },
        { "flush past the top", 4, 0, 1, uint.MaxValue, 0xffffffff_fffff000, 0, "wrap" },
        { "flush of a domain, in part", 5, 0, 1, 1, 0, 0, "length is 1" },
        { "flush of all, in part", 6, 0, 1, 0, 0, 0, "id is 0x0001" },
        { "attach to no domain", 7, 0, Device, 2, 0, 0, "domain is 2" },
        { "attach to a number that is no domain", 7, 0, Device, 0x10001, 0, 0, "domain is 65537" },
        { "attach at an address", 7, 0, Device, 1, 1, 0, "IOVA is 0x1" },
        { "detach from elsewhere", 8, 0, Device, 0, 0, 0, "leaves domain 0" },
        { "mark with an id", 9, 0, 1, 1, 0, 0, "id is 0x0001" },
    };

    public static TheoryData<string, string, string> BrokenHeaders { get; } = new()
    {
        { "\"DMT1\"", "\"DMT2\"", "magic is \"DMT2\"" },
        { "\"magic\"", "\"magix\"", "no key magic" },
        { "\"record\": 24", "\"record\": 32", "record is 32" },
        { "\"records\": 12", "\"records\": 11", "bytes follow record 10" },
        { "\"records\": 12", "\"records\": 13", "ends after 12 whole records" },
        { "\"records\": 12", "\"records\": 33554433", "at most 33554432" },
        { "\"records\": 12", "\"records\": 33554432", "ends after 12 whole records" },
        { "\"records\": 12", "\"records\": -1", "records is -1" },
        { "\"records\": 12", "\"records\": 1e99", "records is 1e99" },
        { "\"records\": 12", "\"records\": 12, \"records\": 12", "no JSON object" },
        { "\"map\": 2", "\"map\": 3", "counts.map is 3" },
        { "\"map\": 2", "\"map\": 2, \"fault\": 1", "counts.fault is 1" },
        { "\"map\": 2", "\"mop\": 2", "names \"mop\"" },
        { "\"0\": \"dma\"", "\"65535\": \"dma\"", "names \"65535\"" },
        { "\"0\": \"dma\"", "\"-0\": \"dma\"", "names \"-0\"" },
        { "\"1\": \"unmanaged\"", "\"2\": \"unmanaged\"", "domain is 1" },
        { "\"1\": \"unmanaged\"", "\"1\": 5", "domains.1 is a JSON Number" },
        { "\"00:04.0\": 32", "\"00:04.0\": 65536", "devices.00:04.0 is 65536" },
        { "\"by hand\"", "{\"what\": \"x\"}", "what is a JSON Object" },
        { "\"by hand\"", "\"\\ud800\"", "no Unicode" },
        { "\"violations\": {}", "\"violations\": []", "violations is a JSON Array" },
    };

    [Theory]
    [MemberData(nameof(BrokenRecords))]
    public void ABrokenRecordIsNamedWithItsValue(string what, byte op, byte flags, ushort id, uint length, ulong iova, ulong address, string says)
    {
        TraceRecord[] records = [.. TraceImage.Small[..2], new((TraceOp)op, flags, id, length, iova, address)];
        byte[] image = TraceImage.Of(TraceImage.Header(TraceImage.Small), records);
        TraceFormatException e = Assert.Throws<TraceFormatException>(() => TraceImage.Read(image));
        Assert.True(e.Message.Contains(says, StringComparison.Ordinal), $"{what}: {e.Message}");
        Assert.Contains("hand.dmt", e.Message, StringComparison.Ordinal);
        Assert.Equal(image.Length - TraceRecord.Bytes, e.Offset);
    }

    [Theory]
    [MemberData(nameof(BrokenHeaders))]
    public void ABrokenHeaderIsNamedWithItsValue(string old, string fresh, string says)
    {
        string header = TraceImage.Header(TraceImage.Small);
        Assert.Contains(old, header, StringComparison.Ordinal);
        byte[] image = TraceImage.Of(header.Replace(old, fresh, StringComparison.Ordinal), TraceImage.Small);
        TraceFormatException e = Assert.Throws<TraceFormatException>(() => TraceImage.Read(image));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADetachedDeviceTranslatesNoMore()
    {
        TraceRecord[] records =
        [
            new(TraceOp.Attach, 0, Device, 1, 0, 0),
            new(TraceOp.Detach, 0, Device, 1, 0, 0),
            new(TraceOp.Translate, 0, Device, 1, 0, 0),
        ];
        Assert.Equal(2, TraceImage.Read(TraceImage.Of(records.AsSpan(0, 2))).Records.Length);
        TraceFormatException e = Assert.Throws<TraceFormatException>(() => TraceImage.Read(TraceImage.Of(records)));
        Assert.Contains("attached to no domain", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLastPageOfTheSpaceCanBeMapped()
    {
        TraceRecord[] records = [new(TraceOp.Map, 3, 1, 1, 0xffffffff_fffff000, 0xffffffff_fffff000)];
        Assert.Equal(records, TraceImage.Read(TraceImage.Of(records)).Records.ToArray());
    }

    [Fact]
    public void AHeaderThatFillsNoWholeRecordsIsRefused()
    {
        byte[] image = [.. Encoding.UTF8.GetBytes(TraceImage.Header([])), (byte)'\n'];
        Assert.NotEqual(0, image.Length % TraceRecord.Bytes);
        TraceFormatException e = Assert.Throws<TraceFormatException>(() => TraceImage.Read(image));
        Assert.Contains($"has {image.Length} bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AHeaderWithoutEndCostsNoMoreThanItsLimit()
    {
        byte[] image = TraceImage.Gzip([(byte)'{', .. Enumerable.Repeat((byte)' ', 4 * TraceHeader.BytesMax)]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        TraceFormatException e = Assert.Throws<TraceFormatException>(() => TraceImage.Read(image));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Contains("has no end", e.Message, StringComparison.Ordinal);
        Assert.True(allocated < 4 * TraceHeader.BytesMax, $"{allocated} bytes were allocated");
    }

    [Fact]
    public void APromiseOfManyRecordsAllocatesNothingForThem()
    {
        string header = TraceImage.Header([]).Replace("\"records\": 0", $"\"records\": {TraceHeader.RecordsMax}", StringComparison.Ordinal);
        byte[] image = TraceImage.Of(header, []);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<TraceFormatException>(() => TraceImage.Read(image));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 2 << 20, $"{allocated} bytes were allocated");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("magic")]
    [InlineData("(/\u00fdA")]
    public void WhatIsNoTraceIsRefused(string text) =>
        Assert.Throws<TraceFormatException>(() => TraceImage.Read(Encoding.Latin1.GetBytes(text)));
}
