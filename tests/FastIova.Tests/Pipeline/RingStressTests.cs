using System.Diagnostics;
using Xunit;

namespace FastIova.Tests.Pipeline;

public sealed class RingStressTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static TimeSpan Patience => TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(64, WaitPolicy.Yield, 400_000)]
    [InlineData(4096, WaitPolicy.Yield, 2_000_000)]
    [InlineData(64, WaitPolicy.Park, 100_000)]
    [InlineData(1024, WaitPolicy.Park, 1_000_000)]
    public void OneProducerGetsEveryAnswerInOrder(int capacity, WaitPolicy wait, int total)
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = capacity, Wait = wait });
        using var engine = new EchoEngine(ring);
        using RingProducer producer = ring.AttachProducer();
        var random = new Random(capacity);
        ulong[] iovas = new ulong[capacity];
        CompletionWord[] answers = new CompletionWord[capacity];
        ulong published = 0;
        ulong read = 0;
        while (read < (ulong)total)
        {
            int batch = (int)Math.Min((ulong)random.Next(1, random.Next(2) == 0 ? 4 : capacity + 1), (ulong)total - published);
            for (int i = 0; i < batch; i++)
            {
                iovas[i] = published + (ulong)i;
            }

            if (batch > 0 && (batch == 1 ? producer.TryPublish(iovas[0], Permission.Read) : producer.TryPublish(iovas.AsSpan(0, batch), Permission.Read)))
            {
                published += (ulong)batch;
                continue;
            }

            Assert.True(producer.WaitCompletions(Patience, Stop), $"no answer to request {read} of {published}");
            int got = producer.TryReadCompletions(answers.AsSpan(0, random.Next(1, capacity + 1)));
            for (int i = 0; i < got; i++, read++)
            {
                if (answers[i].HostAddress != read + EchoEngine.Offset)
                {
                    Assert.Fail($"answer {read} is {answers[i]}, it came out of order or torn");
                }
            }
        }

        Assert.Equal(0, producer.Outstanding);
    }

    [Theory]
    [InlineData(64, WaitPolicy.Yield, 60_000)]
    [InlineData(1024, WaitPolicy.Yield, 300_000)]
    [InlineData(64, WaitPolicy.Park, 30_000)]
    public void EachOfManyProducersGetsItsOwnAnswersInOrder(int capacity, WaitPolicy wait, int each)
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = capacity, Wait = wait, Producers = RingProducers.Many });
        using var engine = new EchoEngine(ring);
        string?[] outcomes = new string?[3];
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(id => new Thread(() => outcomes[id] = Produce(ring, id, each)))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Assert.All(outcomes, Assert.Null);
    }

    [Fact]
    public void AParkedSideIsWokenEachTimeItsPeerPublishes()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 64, Wait = WaitPolicy.Park });
        using var engine = new EchoEngine(ring);
        using RingProducer producer = ring.AttachProducer();
        CompletionWord[] answers = new CompletionWord[1];
        int slow = 0;
        for (ulong i = 0; i < 3000; i++)
        {
            Assert.True(producer.TryPublish(i, Permission.Read));
            long start = Stopwatch.GetTimestamp();
            Assert.True(producer.WaitCompletions(Patience, Stop), $"request {i} was never answered");
            slow += Stopwatch.GetElapsedTime(start) >= Doorbell.SleepLimit ? 1 : 0;
            Assert.Equal(1, producer.TryReadCompletions(answers));
            Assert.Equal(i + EchoEngine.Offset, answers[0].HostAddress);
        }

        Assert.True(slow <= 1, $"{slow} of 3000 wake-ups were lost and made good by the limit of a sleep");
    }

    [Theory]
    [InlineData(WaitPolicy.Spin)]
    [InlineData(WaitPolicy.Yield)]
    [InlineData(WaitPolicy.Park)]
    public void AWaitEndsByTimeAndByToken(WaitPolicy wait)
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Wait = wait });
        using RingConsumer consumer = ring.AttachConsumer();
        using RingProducer producer = ring.AttachProducer();
        Assert.False(producer.WaitCompletions(Timeout.InfiniteTimeSpan, Stop), "nothing is outstanding, so nothing can come");
        Assert.True(producer.TryPublish(0, Permission.Read));
        Assert.False(producer.WaitCompletions(TimeSpan.FromMilliseconds(2), Stop));
        Assert.Throws<ArgumentOutOfRangeException>(() => producer.WaitCompletions(TimeSpan.FromMilliseconds(-2), Stop));
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(5));
        Assert.Throws<OperationCanceledException>(() => producer.WaitCompletions(Timeout.InfiniteTimeSpan, stop.Token));
        Assert.Equal(1, EchoEngine.AnswerOnce(consumer, 1));
        Assert.True(producer.WaitCompletions(Timeout.InfiniteTimeSpan, CancellationToken.None));
        Assert.False(consumer.WaitRequests(TimeSpan.FromMilliseconds(2), Stop));
    }

    [Fact]
    public void AProducerInAnotherProcessIsServed()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 256, Wait = WaitPolicy.Park });
        using var engine = new EchoEngine(ring);
        AssertSuccess(ProducerProcess.Start(ring, first: 7, count: 100_000));
        using RingProducer next = ring.AttachProducer();
        Assert.Equal(0, next.Outstanding);
    }

    [Fact]
    public void ProducersInSeveralProcessesShareOneRing()
    {
        using TranslationRing ring = TranslationRing.Create(
            new TranslationRingOptions { Capacity = 64, Wait = WaitPolicy.Park, Producers = RingProducers.Many });
        using var engine = new EchoEngine(ring);
        Assert.All([ProducerProcess.Start(ring, 0, 20_000), ProducerProcess.Start(ring, 1 << 20, 20_000)], AssertSuccess);
        using SharedRingProducer here = ring.AttachSharedProducer();
        Assert.True(here.WaitRoom(64, TimeSpan.Zero, Stop), "every slot was given back");
    }

    private static void AssertSuccess(System.Diagnostics.Process child)
    {
        using (child)
        {
            Assert.True(child.WaitForExit(Patience), "the producer process did not end");
            Assert.True(child.ExitCode == 0, $"the producer process ended with {child.ExitCode}: {child.StandardError.ReadToEnd()}");
        }
    }

    private static string? Produce(TranslationRing ring, int id, int total)
    {
        using SharedRingProducer producer = ring.AttachSharedProducer();
        var random = new Random(id);
        ulong[] iovas = new ulong[ring.Capacity / 2];
        CompletionWord[] answers = new CompletionWord[ring.Capacity];
        ulong next = (ulong)id << 40;
        ulong last = next + (ulong)total;
        while (next < last)
        {
            int batch = (int)Math.Min((ulong)random.Next(1, iovas.Length + 1), last - next);
            for (int i = 0; i < batch; i++)
            {
                iovas[i] = next + (ulong)i;
            }

            RingTicket ticket;
            while (!producer.TryPublish(iovas.AsSpan(0, batch), Permission.Read, out ticket))
            {
                if (!producer.WaitRoom(batch, Patience, Stop))
                {
                    return $"producer {id} found no room for {batch}";
                }
            }

            while (ticket.Outstanding > 0)
            {
                if (!producer.WaitCompletions(ticket, Patience, Stop))
                {
                    return $"producer {id} got no answer to 0x{next:x}";
                }

                int got = producer.TryReadCompletions(ref ticket, answers.AsSpan(0, random.Next(1, answers.Length)));
                for (int i = 0; i < got; i++, next++)
                {
                    if (answers[i].HostAddress != next + EchoEngine.Offset)
                    {
                        return $"producer {id} got {answers[i]} for 0x{next:x}";
                    }
                }
            }
        }

        return null;
    }
}
