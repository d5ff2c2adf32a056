using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace FastIova.Tests.Pipeline;

/// <summary>An engine that answers each request with its IOVA plus <see cref="Offset"/>, on a thread of its own.</summary>
internal sealed unsafe class EchoEngine : IDisposable
{
    internal const ulong Offset = 0x1000;

    private readonly CancellationTokenSource _stop = new();
    private readonly RingConsumer _consumer;
    private readonly Thread _thread;

    internal EchoEngine(TranslationRing ring)
    {
        _consumer = ring.AttachConsumer();
        _thread = new Thread(Run);
        _thread.Start();
    }

    /// <summary>Answers what is there, at most <paramref name="max"/> requests.</summary>
    internal static int AnswerOnce(RingConsumer consumer, int max)
    {
        int taken = consumer.Take(max, out ulong* requests, out ulong* completions);
        for (int i = 0; i < taken; i++)
        {
            completions[i] = RequestWord.IsOutside(requests[i])
                ? CompletionWord.Faulted(FaultReason.OutsideAperture)
                : CompletionWord.Translated(RequestWord.IovaOf(requests[i]) + Offset);
        }

        consumer.Complete(taken);
        return taken;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _consumer.Dispose();
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                if (AnswerOnce(_consumer, RingConsumer.BatchMost) == 0)
                {
                    _ = _consumer.WaitRequests(Timeout.InfiniteTimeSpan, _stop.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}

/// <summary>This test program started once more, as a producer in another process.</summary>
internal static class ProducerProcess
{
    private const string Variable = "FASTIOVA_TEST_RING";

    /// <summary>Runs one child that publishes <paramref name="count"/> requests from <paramref name="first"/> on and checks the answers.</summary>
    internal static Process Start(TranslationRing ring, ulong first, int count)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "FastIova.Tests");
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment[Variable] = $"/proc/{Environment.ProcessId}/fd/{ring.FileDescriptor} {first} {count}";
        return Process.Start(start)!;
    }

    /// <summary>The child: taken before the test runner's own entry point, so that the program is a producer and nothing else.</summary>
    [ModuleInitializer]
    internal static void RunWhenAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } order)
        {
            string[] words = order.Split(' ');
            Environment.Exit(Run(words[0], ulong.Parse(words[1]), int.Parse(words[2])));
        }
    }

    private static int Run(string path, ulong first, int count)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        using TranslationRing ring = TranslationRing.Open((int)file.DangerousGetHandle());
        TimeSpan patience = TimeSpan.FromSeconds(60);
        CompletionWord[] answers = new CompletionWord[64];
        ulong[] iovas = new ulong[48];
        using RingProducer? single = ring.Producers == RingProducers.One ? ring.AttachProducer() : null;
        using SharedRingProducer? shared = ring.Producers == RingProducers.Many ? ring.AttachSharedProducer() : null;
        for (ulong next = first; next < first + (ulong)count;)
        {
            int batch = Math.Min(iovas.Length, (int)(first + (ulong)count - next));
            for (int i = 0; i < batch; i++)
            {
                iovas[i] = (next + (ulong)i) << 12;
            }

            RingTicket ticket = default;
            while (!(single?.TryPublish(iovas.AsSpan(0, batch), Permission.Read) ?? shared!.TryPublish(iovas.AsSpan(0, batch), Permission.Read, out ticket)))
            {
                if (shared is null || !shared.WaitRoom(batch, patience))
                {
                    return 3;
                }
            }

            for (int read = 0; read < batch;)
            {
                int got = single?.TryReadCompletions(answers) ?? shared!.TryReadCompletions(ref ticket, answers);
                if (got == 0 && !(single?.WaitCompletions(patience) ?? shared!.WaitCompletions(ticket, patience)))
                {
                    return 4;
                }

                for (int i = 0; i < got; i++, read++)
                {
                    if (answers[i].HostAddress != iovas[read] + EchoEngine.Offset)
                    {
                        return 5;
                    }
                }
            }

            next += (ulong)batch;
        }

        return 0;
    }
}
