using BenchmarkDotNet.Attributes;
using FastIova.Cli;

namespace FastIova.Bench;

/// <summary>Single requests of a device to 64 pages that stay in its cache.</summary>
[MemoryDiagnoser]
public class PortBench
{
    private const int Addresses = 256;
    private readonly byte[] _bytes = new byte[64];
    private readonly HostSegment[] _segments = new HostSegment[4];
    private HotPages _pages = null!;
    private DmaPort _port = null!;

    [Params(ReaderKind.Batch, ReaderKind.SingleShot)]
    public ReaderKind Kind { get; set; }

    [GlobalSetup]
    public void Open()
    {
        _pages = new HotPages(64, Addresses);
        _port = _pages.OpenPort("port", Kind);
    }

    [GlobalCleanup]
    public void Close()
    {
        _port.Dispose();
        _pages.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Addresses)]
    public ulong Translate()
    {
        ulong sum = 0;
        foreach (ulong iova in _pages.Stream.Numbers)
        {
            _ = _port.TryTranslate(iova, Permission.Read, out nuint host);
            sum += host;
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Addresses)]
    public ulong TranslateInOneScope()
    {
        ulong sum = 0;
        using DmaScope scope = _port.Enter();
        foreach (ulong iova in _pages.Stream.Numbers)
        {
            _ = scope.TryTranslate(iova, Permission.Read, out nuint host);
            sum += host;
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Addresses)]
    public int TranslateRange()
    {
        int total = 0;
        foreach (ulong iova in _pages.Stream.Numbers)
        {
            _ = _port.TranslateRange(iova, 8, Permission.Read, _segments, out int count, out _);
            total += count;
        }

        return total;
    }

    [Benchmark(OperationsPerInvoke = Addresses)]
    public bool Read64Bytes()
    {
        bool good = true;
        foreach (ulong iova in _pages.Stream.Numbers)
        {
            good &= _port.Read(iova & ~63UL, _bytes, out _);
        }

        return good;
    }

    [Benchmark(OperationsPerInvoke = Addresses)]
    public bool Write64Bytes()
    {
        bool good = true;
        foreach (ulong iova in _pages.Stream.Numbers)
        {
            good &= _port.Write(iova & ~63UL, _bytes, out _);
        }

        return good;
    }

    [Benchmark(OperationsPerInvoke = Addresses)]
    public ulong FetchAdd()
    {
        ulong sum = 0;
        foreach (ulong iova in _pages.Stream.Numbers)
        {
            _ = _port.FetchAdd(iova, 1UL, out ulong old, out _);
            sum += old;
        }

        return sum;
    }
}
