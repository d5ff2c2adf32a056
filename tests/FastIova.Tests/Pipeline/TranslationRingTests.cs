using Xunit;

namespace FastIova.Tests.Pipeline;

public sealed unsafe class TranslationRingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(-64)]
    [InlineData(32)]
    [InlineData(100)]
    [InlineData(1 << 21)]
    [InlineData(int.MinValue)]
    public void ACapacityThatNoRingHasIsRefused(int capacity)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => TranslationRing.Create(new TranslationRingOptions { Capacity = capacity }));
        Assert.Contains("power of two", error.Message, StringComparison.Ordinal);
        Assert.Contains(capacity.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutATranslatorEachRequestIsAnsweredWithItsOwnAddress()
    {
        using TranslationRing ring = TranslationRing.Create();
        using RingProducer producer = ring.AttachProducer();
        using RingConsumer consumer = ring.AttachConsumer();
        ulong[] iovas = [.. Enumerable.Range(1, 300).Select(i => (ulong)i << 12)];
        CompletionWord[] answers = new CompletionWord[300];
        Assert.True(producer.TryPublish(iovas, Permission.Read));
        int first = consumer.TakeBatch();
        consumer.AnswerUntranslated(first);
        consumer.AnswerUntranslated(consumer.TakeBatch());
        consumer.AnswerUntranslated(consumer.TakeBatch());
        Assert.Equal(Probe.BatchLimit, first);
        Assert.Equal(300, producer.TryReadCompletions(answers));
        Assert.Equal(iovas, answers.Select(answer => answer.HostAddress));
    }

    [Fact]
    public void UnnamedOptionsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TranslationRing.Create(new TranslationRingOptions { Wait = (WaitPolicy)3 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TranslationRing.Create(new TranslationRingOptions { Producers = (RingProducers)(-1) }));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(1 << 20)]
    public void AFullRingRefusesAndLosesNothing(int capacity)
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = capacity });
        using RingConsumer consumer = ring.AttachConsumer();
        using RingProducer producer = ring.AttachProducer();
        ulong[] iovas = new ulong[capacity];
        for (int i = 0; i < capacity; i++)
        {
            iovas[i] = (ulong)i << 12;
        }

        Assert.True(producer.TryPublish(iovas.AsSpan(0, capacity - 1), Permission.Read));
        Assert.False(producer.TryPublish(iovas.AsSpan(0, 2), Permission.Read), "a batch is all or nothing");
        Assert.True(producer.TryPublish(iovas[capacity - 1], Permission.Write));
        Assert.False(producer.TryPublish(0, Permission.Read));
        while (EchoEngine.AnswerOnce(consumer, int.MaxValue) > 0)
        {
        }

        Assert.False(producer.TryPublish(0, Permission.Read), "an unread answer still occupies its slot");
        CompletionWord[] answers = new CompletionWord[capacity];
        Assert.Equal(capacity, producer.TryReadCompletions(answers));
        for (int i = 0; i < capacity; i++)
        {
            Assert.Equal(iovas[i] + EchoEngine.Offset, answers[i].HostAddress);
        }

        Assert.True(producer.TryPublish(iovas, Permission.Read));
        Assert.Throws<ArgumentOutOfRangeException>(() => producer.TryPublish(new ulong[capacity + 1], Permission.Read));
    }

    [Fact]
    public void AFullSharedRingRefusesUntilTheOldestAnswersAreRead()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 64, Producers = RingProducers.Many });
        using RingConsumer consumer = ring.AttachConsumer();
        using SharedRingProducer a = ring.AttachSharedProducer();
        using SharedRingProducer b = ring.AttachSharedProducer();
        Assert.True(a.TryPublish(new ulong[40], Permission.Read, out RingTicket first));
        Assert.True(b.TryPublish(new ulong[24], Permission.Read, out RingTicket second));
        Assert.False(a.TryPublish(0, Permission.Read, out RingTicket none));
        Assert.Equal(0, none.Outstanding);
        Assert.Equal(64, EchoEngine.AnswerOnce(consumer, 512));
        Assert.False(b.TryPublish(0, Permission.Read, out _), "answered is not read");
        CompletionWord[] answers = new CompletionWord[64];
        Assert.Equal(24, b.TryReadCompletions(ref second, answers));
        Assert.False(b.TryPublish(0, Permission.Read, out _), "the next slots are the first ticket's");
        Assert.False(b.WaitRoom(1, TimeSpan.Zero, Stop));
        Assert.Equal(30, a.TryReadCompletions(ref first, answers.AsSpan(0, 30)));
        Assert.Equal(10, first.Outstanding);
        Assert.True(b.WaitRoom(30, TimeSpan.Zero, Stop));
        Assert.False(b.TryPublish(new ulong[31], Permission.Read, out _), "a batch is all or nothing");
        Assert.True(b.TryPublish(new ulong[30], Permission.Read, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => b.TryPublish(new ulong[65], Permission.Read, out _));
    }

    [Fact]
    public void BatchesOfAnyLengthWrapAround()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 64 });
        using RingConsumer consumer = ring.AttachConsumer();
        using RingProducer producer = ring.AttachProducer();
        var random = new Random(20);
        CompletionWord[] answers = new CompletionWord[64];
        ulong next = 0;
        for (int round = 0; round < 5000; round++)
        {
            ulong[] batch = new ulong[random.Next(0, 65)];
            RequestWord[] words = new RequestWord[batch.Length];
            for (int i = 0; i < batch.Length; i++)
            {
                batch[i] = next++ << 8;
                words[i] = RequestWord.Of(batch[i], Permission.Read);
            }

            Assert.True(round % 2 == 0 ? producer.TryPublish(batch, Permission.Read) : producer.TryPublish(words));
            while (EchoEngine.AnswerOnce(consumer, random.Next(1, 20)) > 0)
            {
            }

            Assert.Equal(batch.Length, producer.TryReadCompletions(answers));
            for (int i = 0; i < batch.Length; i++)
            {
                Assert.Equal(batch[i] + EchoEngine.Offset, answers[i].HostAddress);
            }
        }
    }

    [Fact]
    public void RequestsWithAnAddressNobodyCanMapAreFaults()
    {
        using TranslationRing ring = TranslationRing.Create();
        using RingConsumer consumer = ring.AttachConsumer();
        using RingProducer producer = ring.AttachProducer();
        ulong[] iovas = [1UL << 57, ulong.MaxValue, 1UL << 60, 1UL << 61, 1UL << 62, 1UL << 63, 0, 1, 1UL << 58];
        Assert.True(producer.TryPublish(iovas, Permission.Read));
        Assert.True(producer.TryPublish(1UL << 59, Permission.Read));
        Assert.True(producer.TryPublish([default(RequestWord)]));
        Assert.Equal(11, EchoEngine.AnswerOnce(consumer, 512));
        CompletionWord[] answers = new CompletionWord[11];
        Assert.Equal(11, producer.TryReadCompletions(answers));
        Assert.Equal("TTTTTTFFTTF", string.Concat(answers.Select(a => a.IsFault ? 'T' : 'F')));
    }

    [Fact]
    public void ThereIsOneSingleProducerAndTheNextGoesOnWhereItStopped()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 64 });
        using RingConsumer consumer = ring.AttachConsumer();
        RingProducer producer = ring.AttachProducer();
        Assert.Throws<InvalidOperationException>(ring.AttachProducer);
        Assert.Throws<InvalidOperationException>(ring.AttachSharedProducer);
        Assert.True(producer.TryPublish(new ulong[50], Permission.Read));
        Assert.True(producer.TryPublish(0x7000, Permission.Read));
        Assert.Equal(50, EchoEngine.AnswerOnce(consumer, 50));
        Assert.Equal(50, producer.TryReadCompletions(new CompletionWord[64]));
        producer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => producer.TryPublish(0, Permission.Read));
        Assert.Throws<ObjectDisposedException>(() => producer.TryPublish(new ulong[1], Permission.Read));
        Assert.Throws<ObjectDisposedException>(() => producer.TryReadCompletions(new CompletionWord[1]));
        using RingProducer next = ring.AttachProducer();
        Assert.Equal(1, next.Outstanding);
        Assert.Equal(1, EchoEngine.AnswerOnce(consumer, 50));
        CompletionWord[] answers = new CompletionWord[2];
        Assert.Equal(1, next.TryReadCompletions(answers));
        Assert.Equal(0x7000 + EchoEngine.Offset, answers[0].HostAddress);
    }

    [Fact]
    public void ANewConsumerGoesOnWhereTheLastStopped()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 64 });
        using RingProducer producer = ring.AttachProducer();
        Assert.True(producer.TryPublish(new ulong[60], Permission.Read));
        for (int i = 0; i < 3; i++)
        {
            using RingConsumer consumer = ring.AttachConsumer();
            Assert.Equal(20, EchoEngine.AnswerOnce(consumer, 20));
        }

        Assert.Equal(60, producer.TryReadCompletions(new CompletionWord[64]));
    }

    [Fact]
    public void ASecondMappingOfTheSameFileIsTheSameRing()
    {
        using TranslationRing engine = TranslationRing.Create(new TranslationRingOptions { Capacity = 256, Wait = WaitPolicy.Spin });
        using RingConsumer consumer = engine.AttachConsumer();
        TranslationRing client = TranslationRing.Open(engine.FileDescriptor);
        Assert.Equal((256, RingProducers.One, WaitPolicy.Spin), (client.Capacity, client.Producers, client.Wait));
        Assert.True(client.Memory.Slots != engine.Memory.Slots, "the second ring has a mapping of its own");
        using RingProducer producer = client.AttachProducer();
        client.Dispose();
        Assert.Throws<ObjectDisposedException>(client.AttachProducer);
        Assert.True(producer.TryPublish(0x5000, Permission.Read), "a producer outlives the ring object it came from");
        Assert.Equal(1, EchoEngine.AnswerOnce(consumer, 512));
        CompletionWord[] answers = new CompletionWord[1];
        Assert.Equal(1, producer.TryReadCompletions(answers));
        Assert.Equal(0x5000 + EchoEngine.Offset, answers[0].HostAddress);
    }

    [Fact]
    public void NothingIsAllocatedPerRequest()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Wait = WaitPolicy.Park });
        using TranslationRing many = TranslationRing.Create(new TranslationRingOptions { Producers = RingProducers.Many });
        using RingConsumer consumer = ring.AttachConsumer();
        using RingConsumer other = many.AttachConsumer();
        using RingProducer producer = ring.AttachProducer();
        using SharedRingProducer shared = many.AttachSharedProducer();
        ulong[] iovas = new ulong[100];
        RequestWord[] words = new RequestWord[10];
        CompletionWord[] answers = new CompletionWord[111];
        CancellationToken stop = Stop;
        long before = 0;
        for (int round = 0; round < 1000; round++)
        {
            before = round == 10 ? GC.GetAllocatedBytesForCurrentThread() : before;
            bool sent = producer.TryPublish(1, Permission.Read) && producer.TryPublish(iovas, Permission.Read) && producer.TryPublish(words);
            sent &= consumer.WaitRequests(TimeSpan.Zero, stop);
            sent &= shared.TryPublish(iovas, Permission.Read, out RingTicket ticket);
            while (EchoEngine.AnswerOnce(consumer, 512) + EchoEngine.AnswerOnce(other, 512) > 0)
            {
            }

            sent &= producer.WaitCompletions(TimeSpan.Zero, stop) && shared.WaitCompletions(ticket, TimeSpan.Zero, stop);
            if (!sent || producer.TryReadCompletions(answers) != 111 || shared.TryReadCompletions(ref ticket, answers) != 100)
            {
                Assert.Fail("a request was lost");
            }
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
