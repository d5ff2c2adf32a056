using System.Runtime.InteropServices;
using Xunit;

namespace FastIova.Tests.Pipeline;

public sealed unsafe class HostileRingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void ADescriptorThatIsNoMemoryFileIsRefused()
    {
        Assert.Contains("no memory file", Assert.Throws<IOException>(() => TranslationRing.Open(-1)).Message, StringComparison.Ordinal);
        string path = Path.GetTempFileName();
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
            int fd = (int)file.SafeFileHandle.DangerousGetHandle();
            _ = Assert.ThrowsAny<IOException>(() => TranslationRing.Open(fd));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void AMemoryFileThatCanShrinkIsRefused()
    {
        int fd = ForgedFile(8192, _ => { }, sealShrink: false);
        try
        {
            Assert.Contains("can shrink", Assert.Throws<IOException>(() => TranslationRing.Open(fd)).Message, StringComparison.Ordinal);
        }
        finally
        {
            _ = Libc.Close(fd);
        }
    }

    [Theory]
    [InlineData(0, "starts with")]
    [InlineData(1, "version 9")]
    [InlineData(2, "capacity is 65")]
    [InlineData(3, "capacity is 2147483648")]
    [InlineData(4, "bytes long")]
    [InlineData(5, "producer kind is 2")]
    [InlineData(6, "wait policy 77")]
    [InlineData(7, "header alone")]
    public void AHeaderThatMakesNoSenseIsRefused(int defect, string reason)
    {
        int fd = ForgedFile(
            defect switch { 7 => 100, 4 => 4096 + 8192, _ => 8192 },
            header =>
            {
                header->Magic = defect == 0 ? 0x1234 : RingHeader.MagicValue;
                header->Version = defect == 1 ? 9u : 1u;
                header->Capacity = defect switch { 2 => 65u, 3 => 1u << 31, _ => 64u };
                header->Producers = defect == 5 ? 2u : 0u;
                header->Wait = defect == 6 ? 77u : 0u;
            });
        try
        {
            InvalidDataException error = Assert.Throws<InvalidDataException>(() => TranslationRing.Open(fd));
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        }
        finally
        {
            _ = Libc.Close(fd);
        }
    }

    [Fact]
    public void NobodyCanShrinkARingUnderTheEngine()
    {
        using TranslationRing ring = TranslationRing.Create();
        Assert.NotEqual(0, Libc.FileTruncate(ring.FileDescriptor, 0));
        Assert.NotEqual(0, Libc.FileTruncate(ring.FileDescriptor, 4096));
    }

    [Theory]
    [InlineData(RingProducers.One)]
    [InlineData(RingProducers.Many)]
    public void RandomWordsAndCountersNeverLeadTheConsumerOutOfTheRing(RingProducers producers)
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 64, Producers = producers, Wait = WaitPolicy.Park });
        RingConsumer consumer = ring.AttachConsumer();
        var random = new Random(4711);
        var header = new Span<ulong>(ring.Memory.Header, RingHeader.SlotsOffset / 8);
        var slots = new Span<ulong>(ring.Memory.Slots, 64);
        // The rest of the last page belongs to no slot: whatever is written there was written out of the ring.
        var behind = new Span<ulong>(ring.Memory.Slots + 64, (4096 / 8) - 64);
        behind.Fill(0xdead);
        for (int round = 0; round < 20_000; round++)
        {
            slots[random.Next(64)] = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            if (round % 4 == 0)
            {
                random.NextBytes(MemoryMarshal.AsBytes(slots));
            }

            random.NextBytes(MemoryMarshal.AsBytes(header));
            int taken = consumer.Take(random.Next(-5, 1000), out ulong* requests, out ulong* completions);
            Assert.InRange(taken, 0, 64);
            for (int i = 0; i < taken; i++)
            {
                ulong before = requests[i];
                Assert.True(RequestWord.IsPublished(before));
                random.NextBytes(MemoryMarshal.AsBytes(slots));
                Assert.Equal(before, requests[i]);
                completions[i] = (ulong)random.NextInt64();
            }

            consumer.Complete(taken);
            Assert.Throws<ArgumentOutOfRangeException>(() => consumer.Complete(1));
            _ = consumer.WaitRequests(TimeSpan.Zero, Stop);
            if (round % 100 == 0)
            {
                consumer.Dispose();
                random.NextBytes(MemoryMarshal.AsBytes(header));
                consumer = ring.AttachConsumer();
            }
        }

        Assert.Equal(-1, behind.IndexOfAnyExcept(0xdeadUL));
        consumer.Dispose();
    }

    [Fact]
    public void ARingFullOfForgedRequestsIsServedInBoundedSteps()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 1 << 16 });
        using RingConsumer consumer = ring.AttachConsumer();
        new Span<ulong>(ring.Memory.Slots, 1 << 16).Fill(RequestWord.Present);
        int served = 0;
        for (int taken; (taken = EchoEngine.AnswerOnce(consumer, int.MaxValue)) > 0; served += taken)
        {
            Assert.InRange(taken, 1, RingConsumer.BatchMost);
        }

        Assert.Equal(1 << 16, served);
    }

    [Fact]
    public void PositionsThatMakeNoSenseAreRefusedToTheNextProducer()
    {
        using TranslationRing ring = TranslationRing.Create(new TranslationRingOptions { Capacity = 64 });
        ring.Memory.Header->ProducerPublished = 65;
        Assert.Contains("65 published", Assert.Throws<InvalidDataException>(ring.AttachProducer).Message, StringComparison.Ordinal);
    }

    private static int ForgedFile(ulong length, HeaderWriter write, bool sealShrink = true)
    {
        int fd = Libc.MemoryFileCreate("forged", Libc.MemfdCloseOnExec | 2);
        Assert.Equal(0, Libc.FileTruncate(fd, (long)length));
        using var file = SharedMemory.Open(fd);
        write((RingHeader*)file.Start);
        if (sealShrink)
        {
            long fcntl = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? 72 : 25;
            Assert.Equal(0, Libc.SystemCall(fcntl, fd, 1033, 2, 0, 0, 0));
        }

        return fd;
    }

    private delegate void HeaderWriter(RingHeader* header);
}
