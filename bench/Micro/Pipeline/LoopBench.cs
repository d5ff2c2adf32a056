using BenchmarkDotNet.Attributes;
using FastIova.Cli;

namespace FastIova.Bench;

/// <summary>Batches through a port: 64 pages that stay in its cache, or many that do not.</summary>
[MemoryDiagnoser]
public class LoopBench
{
    private const int Addresses = 1 << 14;
    private HotPages _pages = null!;
    private DmaPort _port = null!;
    private BatchLookups _lookups = null!;

    [Params(64, 1 << 17)]
    public int Pages { get; set; }

    [Params(8, 64, 256)]
    public int Batch { get; set; }

    [GlobalSetup]
    public void Open()
    {
        _pages = new HotPages(Pages, Addresses);
        _port = _pages.OpenPort("loop");
        _lookups = new BatchLookups(_port, _pages.Stream, Batch);
        _ = _lookups.Verify(_pages.Domain);
    }

    [GlobalCleanup]
    public void Close()
    {
        _port.Dispose();
        _pages.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Addresses)]
    public ulong Batches() => _lookups.Run();
}
