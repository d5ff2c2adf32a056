namespace FastIova.Cli;

/// <summary>Every kind of request that a device can make, each checked against what it must answer.</summary>
internal sealed class DataPathRequests : IDisposable
{
    private const int Pages = 64;
    private const int Addresses = 1 << 12;
    private const int Batch = 256;

    private readonly HotPages _pages = new(Pages, Addresses);
    private readonly TranslationRing _ring = TranslationRing.Create(new TranslationRingOptions { Wait = WaitPolicy.Spin });
    private readonly DmaPort _port;
    private readonly RingProducer _producer;
    private readonly DmaQueue _queue;
    private readonly nuint[] _hosts = new nuint[Batch];
    private readonly CompletionWord[] _answers = new CompletionWord[Batch];
    private readonly HostSegment[] _segments = new HostSegment[4];
    private readonly byte[] _bytes = new byte[64];

    internal DataPathRequests()
    {
        _port = _pages.OpenPort("requests", ReaderKind.SingleShot);
        _producer = _ring.AttachProducer();
        _queue = _port.Serve(_ring);
        Kinds =
        [
            Each("single", Single),
            Batches("batch", TranslateBatch),
            Each("range", Range),
            Each("read", iova => _port.Read(iova & ~63UL, _bytes, out _)),
            Each("write", iova => _port.Write(iova & ~63UL, _bytes, out _)),
            Each("add 32", iova => _port.FetchAdd(iova, 1U, out uint _, out _)),
            Each("add 64", iova => _port.FetchAdd(iova, 1UL, out ulong _, out _)),
            Each("exchange 32", iova => _port.CompareExchange(iova, 0U, 1U, out uint _, out _)),
            Each("exchange 64", iova => _port.CompareExchange(iova, 0UL, 1UL, out ulong _, out _)),
            Batches("ring", ThroughRing),
        ];
    }

    private delegate bool BatchRequest(ReadOnlySpan<ulong> iovas);

    /// <summary>The kinds, each with what makes a number of requests; a multiple of 256.</summary>
    internal IReadOnlyList<(string Name, Action<int> Make)> Kinds { get; }

    public void Dispose()
    {
        _queue.Dispose();
        _producer.Dispose();
        _ring.Dispose();
        _port.Dispose();
        _pages.Dispose();
    }

    private (string Name, Action<int> Make) Each(string name, Func<ulong, bool> request) => (name, count =>
    {
        ReadOnlySpan<ulong> iovas = _pages.Stream.Numbers;
        bool good = true;
        for (int i = 0; i < count; i++)
        {
            good &= request(iovas[i % Addresses]);
        }

        Require(good);
    }
    );

    private (string Name, Action<int> Make) Batches(string name, BatchRequest request) => (name, count =>
    {
        bool good = true;
        for (int start = 0; start < count; start += Batch)
        {
            good &= request(_pages.Stream.Numbers.Slice(start % Addresses, Batch));
        }

        Require(good);
    }
    );

    private bool Single(ulong iova) =>
        _port.TryTranslate(iova, Permission.Read, out nuint host) && host == ScalarWalk.Translate(_pages.Domain, iova);

    private bool Range(ulong iova) =>
        _port.TranslateRange(iova, 8, Permission.Read, _segments, out int count, out _) == 8 && count == 1;

    private bool TranslateBatch(ReadOnlySpan<ulong> iovas) => _port.TranslateBatch(iovas, _hosts, Permission.Read, out _)
        && _hosts[^1] == ScalarWalk.Translate(_pages.Domain, iovas[^1]);

    private bool ThroughRing(ReadOnlySpan<ulong> iovas)
    {
        bool good = _producer.TryPublish(iovas, Permission.Read);
        for (int read = 0; good && read < iovas.Length;)
        {
            good = _queue.Process() != 0;
            int got = _producer.TryReadCompletions(_answers);
            good &= got != 0 && _answers[got - 1].HostAddress == ScalarWalk.Translate(_pages.Domain, iovas[read + got - 1]);
            read += got;
        }

        return good;
    }

    private static void Require(bool good)
    {
        if (!good)
        {
            throw new BenchFailureException("A request of the data path was answered wrongly: what it allocates means nothing.");
        }
    }
}
