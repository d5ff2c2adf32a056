using BenchmarkDotNet.Attributes;
using FastIova.Cli;

namespace FastIova.Bench;

/// <summary>Walks of 256 addresses through the two-level table, with each width of vectors and with words asked for ahead.</summary>
[MemoryDiagnoser]
public unsafe class LookupBench
{
    private const int Batch = 256;
    private int _fromLeaves;
    private HotPages _pages = null!;
    private ulong[] _iovas = null!;
    private ulong[] _hosts = null!;

    private TwoLevelWalker<Granule4K> Walker => ((RadixTable<Granule4K>)_pages.Domain.Table).Walker;

    [GlobalSetup]
    public void Open()
    {
        _pages = new HotPages(64, Batch);
        _iovas = GC.AllocateArray<ulong>(Batch, pinned: true);
        _hosts = GC.AllocateArray<ulong>(Batch, pinned: true);
        _pages.Stream.Numbers.CopyTo(_iovas);
    }

    [GlobalCleanup]
    public void Close() => _pages.Dispose();

    [Benchmark(Baseline = true, OperationsPerInvoke = Batch)]
    public bool Scalar() => Run<ScalarIsa>();

    [Benchmark(OperationsPerInvoke = Batch)]
    public bool Bits128() => Run<Wide128>();

    [Benchmark(OperationsPerInvoke = Batch)]
    public bool Bits256() => Run<Wide256>();

    [Benchmark(OperationsPerInvoke = Batch)]
    public bool Bits512() => Run<Wide512>();

    [Benchmark(OperationsPerInvoke = Batch)]
    public bool Bits512Ahead()
    {
        fixed (ulong* iovas = _iovas, hosts = _hosts)
        {
            return Lookup.RunAhead<TwoLevelWalker<Granule4K>, Wide512, WantsAlike, Lookup.FetchAll>(Walker, iovas, hosts, Batch, new WantsAlike(Permission.Read), 0, iovas, Batch, announced: true, ref _fromLeaves);
        }
    }

    private bool Run<TIsa>()
        where TIsa : IIsa
    {
        fixed (ulong* iovas = _iovas, hosts = _hosts)
        {
            return Lookup.Run<TwoLevelWalker<Granule4K>, TIsa, WantsAlike>(Walker, iovas, hosts, Batch, new WantsAlike(Permission.Read), 0, ref _fromLeaves);
        }
    }
}
