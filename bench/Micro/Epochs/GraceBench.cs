using BenchmarkDotNet.Attributes;

namespace FastIova.Bench;

/// <summary>What an invalidation costs while no reader is inside a scope: the line in the log, the fence, and the look at the slots.</summary>
[MemoryDiagnoser]
public unsafe class GraceBench
{
    private const int Lines = 256;
    private readonly IovaSpan[] _spans = new IovaSpan[Lines];
    private Epoch _epoch = null!;
    private EpochSlot* _slot;

    [Params(ReaderKind.Batch, ReaderKind.SingleShot)]
    public ReaderKind Reader { get; set; }

    [GlobalSetup]
    public void Open()
    {
        _epoch = new Epoch(TimeSpan.FromSeconds(1));
        _slot = _epoch.TryOpen("idle", Reader);
        for (int i = 0; i < Lines; i++)
        {
            _spans[i] = new IovaSpan((ulong)i << 13, ((ulong)i << 13) + 4095);
        }
    }

    [GlobalCleanup]
    public void Close()
    {
        _epoch.Close(_slot, Reader);
        _epoch.Dispose();
    }

    [Benchmark]
    public void OneLine() => _epoch.WaitForReaders(_epoch.Publish(new Invalidation(1, 0, 4095)));

    [Benchmark(OperationsPerInvoke = Lines)]
    public void List() => _epoch.WaitForReaders(_epoch.Publish(1, _spans));

    /// <summary>A scope entered and left by a reader that has caught up.</summary>
    [Benchmark]
    public bool Scope()
    {
        _slot->Seen = *_epoch.Now;
        bool entered = Epoch.TryEnter(_slot, _epoch.Now, Reader == ReaderKind.Batch);
        _slot->Leave();
        return entered;
    }
}
