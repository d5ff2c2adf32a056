using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests;

public sealed class DmaTraceTests
{
    [Fact]
    public void ARecordInMemoryIsTheRecordOfTheFile()
    {
        byte[] bytes = [3, 0x89, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        Assert.Equal(TraceRecord.Bytes, Marshal.SizeOf<TraceRecord>());
        TraceRecord record = MemoryMarshal.Read<TraceRecord>(bytes);
        Assert.Equal(TraceOp.Translate, record.Op);
        Assert.Equal(0x1234, record.Device);
        Assert.Equal(0x12345678u, record.Length);
        Assert.Equal(0x12345678000UL, record.ByteLength);
        Assert.Equal(0x0807060504030201UL, record.Iova);
        Assert.Equal(0x100f0e0d0c0b0a09UL, record.Address);
        Assert.True(record.Reads);
        Assert.False(record.Writes);
        Assert.True(record.DirectionKnown);
        Assert.True(record.MissedIotlb);
        Assert.True(record.Disagrees);
        Assert.False(record.DirectionInferred);
        Assert.False(record.Reconstructed);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("gzip")]
    [InlineData("xz")]
    public void ATraceIsTheSameInEveryContainerWhateverTheFileIsCalled(string container)
    {
        byte[] plain = TraceImage.Of(TraceImage.Small);
        byte[] image = container switch
        {
            "gzip" => TraceImage.Gzip(plain),
            "xz" => TraceImage.Xz(plain),
            _ => plain,
        };
        string path = Path.Combine(Path.GetTempPath(), $"fastiova-{Guid.NewGuid():N}.some.name");
        try
        {
            File.WriteAllBytes(path, image);
            DmaTrace trace = DmaTrace.Load(path);
            Assert.Equal(MemoryMarshal.AsBytes<TraceRecord>(TraceImage.Small).ToArray(), MemoryMarshal.AsBytes(trace.Records).ToArray());
            Assert.Equal(trace.Records.ToArray(), trace.RecordMemory.ToArray());
            Assert.Equal(DmaTrace.ShortName(path), trace.Name);
            Assert.DoesNotContain('.', trace.Name);
            Assert.Equal("hand", trace.Header.Workload);
            Assert.Equal("none", trace.Header.Iommu);
            Assert.Equal("by hand", trace.Header.What);
            Assert.Equal("", trace.Header.Kernel);
            Assert.Equal(5, trace.Header.PeakLivePages);
            Assert.Equal(2, trace.Header.Count(TraceOp.Map));
            Assert.Equal(0, trace.Header.Count(TraceOp.Detach));
            Assert.Equal("unmanaged", trace.Header.Domains[1]);
            Assert.Equal(TraceImage.Device, trace.Header.Devices["00:04.0"]);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void TheWorkloadLiesBetweenMarkOneAndTheLastMark()
    {
        DmaTrace trace = TraceImage.Read(TraceImage.Of(TraceImage.Small));
        ReadOnlySpan<TraceRecord> workload = trace.Records[trace.Workload];
        Assert.Equal(6, workload.Length);
        Assert.Equal(TraceOp.Map, workload[0].Op);
        Assert.Equal(TraceOp.InvalidateDomain, workload[^1].Op);
    }

    [Fact]
    public void ATraceWithoutMarksIsAllWorkload()
    {
        DmaTrace trace = TraceImage.Read(TraceImage.Of(TraceImage.Small.AsSpan(0, 3)));
        Assert.Equal(0..3, trace.Workload);
    }

    [Fact]
    public void ATraceWithoutRecordsIsATrace()
    {
        DmaTrace trace = TraceImage.Read(TraceImage.Of());
        Assert.True(trace.Records.IsEmpty);
        Assert.Equal(0..0, trace.Workload);
    }

    [Fact]
    public void MoreRecordsThanTheFirstPieceArriveInOrder()
    {
        TraceRecord[] marks = [.. Enumerable.Range(0, 50_000).Select(phase => new TraceRecord(TraceOp.Mark, 0, 0, (uint)phase, 0, 0))];
        DmaTrace trace = TraceImage.Read(TraceImage.Xz(TraceImage.Of(marks)));
        Assert.Equal(marks.Length, trace.Records.Length);
        for (int i = 0; i < marks.Length; i++)
        {
            Assert.Equal((uint)i, trace.Records[i].Phase);
        }
    }

    [Fact]
    public void AMissingFileIsNoBrokenTrace() =>
        Assert.Throws<FileNotFoundException>(() => DmaTrace.Load(Path.Combine(AppContext.BaseDirectory, "no-such-trace.dmt")));
}
