using BenchmarkDotNet.Attributes;
using FastIova.Cli;

namespace FastIova.Bench;

/// <summary>The whole way through a ring on one thread: what the code costs when no other processor has the lines.</summary>
[MemoryDiagnoser]
public class RingBench
{
    private const int Requests = 4096;
    private readonly CompletionWord[] _answers = new CompletionWord[256];
    private HotPages _pages = null!;
    private DmaPort _port = null!;
    private TranslationRing _ring = null!;
    private RingProducer _producer = null!;
    private DmaQueue _queue = null!;

    [Params(1, 8, 256)]
    public int Batch { get; set; }

    [GlobalSetup]
    public void Open()
    {
        _pages = new HotPages(64, Requests);
        _port = _pages.OpenPort("ring");
        _ring = TranslationRing.Create(new TranslationRingOptions { Capacity = Requests, Wait = WaitPolicy.Spin });
        _producer = _ring.AttachProducer();
        _queue = _port.Serve(_ring);
    }

    [GlobalCleanup]
    public void Close()
    {
        _queue.Dispose();
        _producer.Dispose();
        _ring.Dispose();
        _port.Dispose();
        _pages.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Requests)]
    public ulong PublishProcessRead()
    {
        ReadOnlySpan<ulong> iovas = _pages.Stream.Numbers;
        if (Batch == 1)
        {
            foreach (ulong iova in iovas)
            {
                _ = _producer.TryPublish(iova, Permission.Read);
            }
        }
        else
        {
            for (int i = 0; i < Requests; i += Batch)
            {
                _ = _producer.TryPublish(iovas.Slice(i, Batch), Permission.Read);
            }
        }

        while (_queue.Process() != 0)
        {
        }

        ulong last = 0;
        while (_producer.Outstanding != 0)
        {
            last += _answers[_producer.TryReadCompletions(_answers) - 1].HostAddress;
        }

        return last;
    }
}
