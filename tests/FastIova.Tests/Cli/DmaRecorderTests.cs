using FastIova.Cli;
using Xunit;

namespace FastIova.Tests.Cli;

/// <summary>What an engine's recorder writes, a replay repeats.</summary>
public sealed class DmaRecorderTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"fastiova-{Guid.NewGuid():n}.dmt");

    public void Dispose()
    {
        File.Delete(_path);
        Assert.False(File.Exists(_path + ".records"));
    }

    [Fact]
    public void EveryWayToMapAndToTranslateIsRecordedInOrder()
    {
        using HostMemory memory = HostMemory.Allocate(8 << 20);
        using (var recorder = new DmaRecorder(_path))
        using (var iommu = new Iommu(new IommuOptions { Recorder = recorder }))
        using (Domain domain = iommu.CreateDomain())
        using (DmaPort port = iommu.OpenPort(new DmaPortOptions { Device = 0x100 }))
        using (DmaPort twin = iommu.OpenPort(new DmaPortOptions { Device = 0x100 }))
        using (TranslationRing ring = TranslationRing.Create())
        using (DmaQueue queue = port.Serve(ring))
        using (RingProducer producer = ring.AttachProducer())
        {
            port.Attach(domain);
            twin.Attach(domain, pasid: 7);
            domain.Map(0x10_0000, memory.Address, 0x10_0000, Permission.ReadWrite);
            Assert.Equal(MapStatus.Success, domain.TryMapScattered([0x40_0000, 0x50_0000], memory, [memory.Address, memory.Address + 4096], Permission.Read));
            Assert.Equal(MapStatus.Success, domain.TryMap([new MapRange(0x60_0000, 0, 4096, Permission.Write)], memory, out _));
            Assert.True(port.TranslateBatch([0x10_0000, 0x40_0008], new nuint[2], Permission.Read, out _));
            Assert.True(port.TranslateBatch([0x10_0000, 0x60_0008], new nuint[2], [Permission.Read, Permission.Write], out _));
            Assert.True(port.TryTranslate(0x10_2000, Permission.Write, out _));
            Assert.True(port.TryTranslate(0x10_2000, Permission.Write, out _));
            Assert.True(twin.TryTranslate(0x10_3000, Permission.Read, 7, out _));
            Assert.True(port.Write(0x10_3ffc, "12345678"u8, out _)); // two pages
            Assert.True(producer.TryPublish([0x50_0010, 0x0], Permission.Read));
            Assert.Equal(2, queue.Process());
            Assert.False(port.TryTranslate(0x7000, Permission.Read, out _));
            domain.Unmap(0x10_4000, 0x8000);
            domain.Unmap(0x20_0000, 0x1000); // nothing was there
            Assert.False(port.TryTranslate(0x10_4000, Permission.Read, out _));
            Assert.True(port.TryTranslate(0x10_c000, Permission.Read, out _));
            port.Detach();
        }

        DmaTrace trace = DmaTrace.Load(_path);
        Assert.Equal(4, trace.Header.Count(TraceOp.Map));
        Assert.Equal(1, trace.Header.Count(TraceOp.Unmap));
        Assert.Equal(11, trace.Header.Count(TraceOp.Translate));
        Assert.Equal(3, trace.Header.Count(TraceOp.Fault));
        Assert.Equal(2, trace.Header.Count(TraceOp.Attach));
        Assert.Equal(2, trace.Header.Devices.Count);
        Assert.Equal(259, trace.Header.PeakLivePages);
        Replays();
    }

    [Fact]
    public void APortThatIsRecordedHearsOfUnmaps()
    {
        using HostMemory memory = HostMemory.Allocate(1 << 20);
        using var recorder = new DmaRecorder(_path);
        using var iommu = new Iommu(new IommuOptions { Recorder = recorder });
        using Domain domain = iommu.CreateDomain();
        using DmaPort port = iommu.OpenPort();
        port.Attach(domain);
        for (int round = 0; round < 100; round++)
        {
            domain.Map(0x10_0000, memory.Address, 4096, Permission.ReadWrite);
            Assert.True(port.TryTranslate(0x10_0000, Permission.Write, out nuint host));
            Assert.Equal(memory.Address, host);
            Assert.True(port.TranslateBatch([0x10_0000, 0x10_0008], new nuint[2], Permission.Read, out _));
            domain.Unmap(0x10_0000, 4096);
            Assert.False(port.TryTranslate(0x10_0000, Permission.Write, out _));
            Assert.False(port.TranslateBatch([0x10_0000], new nuint[1], Permission.Read, out _));
        }
    }

    [Fact]
    public void AFileThatCannotBeWrittenIsNamed()
    {
        using var error = new StringWriter();
        Assert.Equal(1, FastIova.Cli.Program.Run(["trace", "record", "--out", "/no-such-folder/x.dmt", "--", "true"], TextWriter.Null, error));
        Assert.Contains("/no-such-folder/x.dmt", error.ToString(), StringComparison.Ordinal);
    }

    private void Replays()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = FastIova.Cli.Program.Run(["trace", "replay", _path, "--reps", "1", "--json", "-"], output, error);
        Assert.True(code == 0, error.ToString());
        Assert.Equal(0, FastIova.Cli.Program.Run(["trace", "info", _path], output, error));
    }
}
