using BenchmarkDotNet.Attributes;

namespace FastIova.Bench;

/// <summary>The probe of the translation cache: 256 addresses of 64 pages that all hit, with each width of vectors.</summary>
[MemoryDiagnoser]
public unsafe class ProbeBench
{
    private const int Batch = 256;
    private const int Pages = 64;
    private const ulong Addend = 1UL << 40;

    private Iotlb _tlb = null!;
    private ulong[] _iovas = null!;
    private ulong[] _hosts = null!;
    private ulong _space;

    [GlobalSetup]
    public void Open()
    {
        _tlb = new Iotlb();
        _space = _tlb.TryNumberSpace();
        var random = new Random(Pages);
        _iovas = GC.AllocateArray<ulong>(Batch, pinned: true);
        _hosts = GC.AllocateArray<ulong>(Batch, pinned: true);
        for (int i = 0; i < Batch; i++)
        {
            _iovas[i] = ((ulong)random.Next(Pages) << 12) + (ulong)random.Next(4096);
            _tlb.FillSmall(_iovas[i], Addend, _space, Permission.ReadWrite);
        }
    }

    [GlobalCleanup]
    public void Close() => _tlb.Dispose();

    [Benchmark(Baseline = true, OperationsPerInvoke = Batch)]
    public bool Scalar() => Run<ScalarIsa>();

    [Benchmark(OperationsPerInvoke = Batch)]
    public bool Bits128() => Run<Wide128>();

    [Benchmark(OperationsPerInvoke = Batch)]
    public bool Bits256() => Run<Wide256>();

    [Benchmark(OperationsPerInvoke = Batch)]
    public bool Bits512() => Run<Wide512>();

    private bool Run<TIsa>()
        where TIsa : IIsa
    {
        fixed (ulong* iovas = _iovas, hosts = _hosts)
        {
            return Probe.Run<TIsa, SmallPages, WantsAlike>(_tlb.SmallOf(_space), _space, ref *iovas, ref *hosts, Batch, new WantsAlike(Permission.Read), _tlb.Hits);
        }
    }
}
