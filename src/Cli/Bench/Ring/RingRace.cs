using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>One producer and one consumer on processors of their own: the producer keeps the ring full, reads every answer and checks their sum.</summary>
internal sealed class RingRace : IDisposable
{
    private const int Capacity = 4096;
    private const int ReadMost = 256;
    private const int FewAnswers = 64;

    // Half of the ring: publishing and reading then go in long runs, apart from each other.
    private const int LowWater = Capacity / 2;

    private readonly HotPages _pages;
    private readonly TranslationRing _ring = TranslationRing.Create(new TranslationRingOptions { Capacity = Capacity, Wait = WaitPolicy.Spin });
    private readonly RingProducer _producer;
    private readonly CompletionWord[] _answers = GC.AllocateArray<CompletionWord>(ReadMost, pinned: true);

    internal RingRace(HotPages pages)
    {
        _pages = pages;
        _producer = _ring.AttachProducer();
    }

    /// <summary>The whole way: the requests are translated.</summary>
    /// <param name="batch">The requests that are published at a time; divides the stream.</param>
    /// <param name="rounds">How often the stream goes through the ring.</param>
    /// <returns>Nanoseconds per request.</returns>
    internal double Translated(int batch, int rounds)
    {
        using DmaPort port = _pages.OpenPort("ring");
        using DmaQueue queue = port.Serve(_ring);
        return Run(batch, rounds, (ulong)rounds * _pages.Sum, team =>
        {
            while (!team.IsOver)
            {
                _ = queue.Process();
            }
        });
    }

    /// <summary>The bound: each request is answered with its own address.</summary>
    /// <param name="batch">The requests that are published at a time; divides the stream.</param>
    /// <param name="rounds">How often the stream goes through the ring.</param>
    /// <returns>Nanoseconds per request.</returns>
    internal double Echoed(int batch, int rounds)
    {
        using RingConsumer consumer = _ring.AttachConsumer();
        return Run(batch, rounds, (ulong)rounds * Sum(_pages.Stream.Numbers), team =>
        {
            while (!team.IsOver)
            {
                consumer.AnswerUntranslated(consumer.TakeBatch());
            }
        });
    }

    public void Dispose()
    {
        _producer.Dispose();
        _ring.Dispose();
    }

    private double Run(int batch, int rounds, ulong expected, Action<PinnedTeam> consume)
    {
        long ticks = 0;
        ulong sum = 0;
        var team = new PinnedTeam(2);
        team.Run(
            () =>
            {
                long start = Stopwatch.GetTimestamp();
                sum = batch == 1 ? ProduceSingly(rounds, team) : Produce(batch, rounds, team);
                ticks = Stopwatch.GetTimestamp() - start;
            },
            () => consume(team));
        return sum == expected
            ? ticks * (1e9 / Stopwatch.Frequency) / ((long)rounds * _pages.Stream.Length)
            : throw new BenchFailureException($"The answers of a ring add up to 0x{sum:x}, 0x{expected:x} is right: no time is reported for wrong answers.");
    }

    private ulong Produce(int batch, int rounds, PinnedTeam team)
    {
        ReadOnlySpan<ulong> iovas = _pages.Stream.Numbers;
        RingProducer producer = _producer;
        long left = (long)rounds * iovas.Length;
        ulong sum = 0;
        int at = 0;
        while ((left != 0 || producer.Outstanding != 0) && !team.IsOver)
        {
            while (left != 0 && producer.TryPublish(iovas.Slice(at, batch), Permission.Read))
            {
                left -= batch;
                at = at + batch == iovas.Length ? 0 : at + batch;
            }

            sum += ReadDownTo(left == 0 ? 0 : LowWater, producer, team);
        }

        return sum;
    }

    private ulong ProduceSingly(int rounds, PinnedTeam team)
    {
        ReadOnlySpan<ulong> iovas = _pages.Stream.Numbers;
        RingProducer producer = _producer;
        ulong sum = 0;
        for (int round = 0; round < rounds; round++)
        {
            for (int at = 0; at < iovas.Length && !team.IsOver;)
            {
                at += PublishSingly(producer, iovas[at..]);
                sum += ReadDownTo(at == iovas.Length ? Capacity : LowWater, producer, team);
            }
        }

        return sum + ReadDownTo(0, producer, team);
    }

    private static int PublishSingly(RingProducer producer, ReadOnlySpan<ulong> iovas)
    {
        int published = 0;
        while (published < iovas.Length && producer.TryPublish(iovas[published], Permission.Read))
        {
            published++;
        }

        return published;
    }

    /// <summary>Reads answers until few enough requests are outstanding. Polls with pauses: each look takes a line from the consumer that is writing it.</summary>
    private ulong ReadDownTo(int outstanding, RingProducer producer, PinnedTeam team)
    {
        ulong sum = 0;
        while (producer.Outstanding > outstanding && !team.IsOver)
        {
            int read = producer.TryReadCompletions(_answers);
            sum += Sum(MemoryMarshal.Cast<CompletionWord, ulong>(_answers.AsSpan(0, read))) - ((ulong)read * RequestWord.TurnMask);
            if (read < FewAnswers)
            {
                Thread.SpinWait(4);
            }
        }

        return sum;
    }

    private static ulong Sum(ReadOnlySpan<ulong> words)
    {
        ulong sum = 0;
        ReadOnlySpan<Vector<ulong>> vectors = MemoryMarshal.Cast<ulong, Vector<ulong>>(words);
        var sums = Vector<ulong>.Zero;
        foreach (Vector<ulong> vector in vectors)
        {
            sums += vector;
        }

        foreach (ulong word in words[(vectors.Length * Vector<ulong>.Count)..])
        {
            sum += word;
        }

        return sum + Vector.Sum(sums);
    }
}
