using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Rings for C: their making, the side that asks, and the side that answers. fastiova.h says what each call does.</summary>
/// <remarks>Threads: rings any; a producer and a queue one at a time each.</remarks>
internal static unsafe class RingExports
{
    // SAFETY: this holds for the whole type: pointers are checked for null; that they lead to memory of the size that the header names
    // is the promise of the C program, which no callee could check.
    [UnmanagedCallersOnly(EntryPoint = "fi_ring_create")]
    internal static int Create(uint capacity, uint wait, nint* ring)
    {
        try
        {
            if (ring == null)
            {
                return Refusal.NoPointer("ring");
            }

            var made = new TranslationRingOptions { Wait = (WaitPolicy)wait };
            *ring = HandleTable.Open(TranslationRing.Create(capacity == 0 ? made : made with { Capacity = (int)Math.Min(capacity, int.MaxValue) }));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_ring_open")]
    internal static int Open(int file, nint* ring)
    {
        try
        {
            if (ring == null)
            {
                return Refusal.NoPointer("ring");
            }

            *ring = HandleTable.Open(TranslationRing.Open(file));
            return 0;
        }
        catch (IOException thrown)
        {
            return Refusal.Because(Errno.BadDescriptor, thrown.Message);
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_ring_fd")]
    internal static int FileDescriptor(nint ring)
    {
        try
        {
            return HandleTable.Find<TranslationRing>(ring) is { } found ? found.FileDescriptor : Refusal.NoHandle("ring");
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_ring_close")]
    internal static int Close(nint ring) => CloseAny<TranslationRing>(ring, "ring");

    [UnmanagedCallersOnly(EntryPoint = "fi_producer_open")]
    internal static int OpenProducer(nint ring, nint* producer)
    {
        try
        {
            if (producer == null)
            {
                return Refusal.NoPointer("producer");
            }

            if (HandleTable.Find<TranslationRing>(ring) is not { } found)
            {
                return Refusal.NoHandle("ring");
            }

            *producer = HandleTable.Open(found.AttachProducer());
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_producer_publish")]
    internal static int Publish(nint producer, ulong* iovas, nuint count, uint access)
    {
        try
        {
            return HandleTable.Find<RingProducer>(producer) is not { } found ? Refusal.NoHandle("producer")
                : iovas == null && count != 0 ? Refusal.NoPointer("iovas")
                : count > int.MaxValue || access > (uint)Permission.ReadWrite ? Refusal.Because(Errno.Invalid, "The batch is too long, or the access has unknown bits.")
                : found.TryPublish(new ReadOnlySpan<ulong>(iovas, (int)count), (Permission)access) ? 0
                : Refusal.TryAgain;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_producer_read")]
    internal static int Read(nint producer, CompletionWord* completions, nuint most)
    {
        try
        {
            return HandleTable.Find<RingProducer>(producer) is not { } found ? Refusal.NoHandle("producer")
                : completions == null && most != 0 ? Refusal.NoPointer("completions")
                : found.TryReadCompletions(new Span<CompletionWord>(completions, (int)Math.Min(most, int.MaxValue)));
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_producer_wait")]
    internal static int WaitCompletions(nint producer, int milliseconds)
    {
        try
        {
            return HandleTable.Find<RingProducer>(producer) is not { } found ? Refusal.NoHandle("producer")
                : found.WaitCompletions(Time(milliseconds)) ? 1 : 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_producer_close")]
    internal static int CloseProducer(nint producer) => CloseAny<RingProducer>(producer, "producer");

    [UnmanagedCallersOnly(EntryPoint = "fi_queue_open")]
    internal static int OpenQueue(nint port, nint ring, uint pasid, nint* queue)
    {
        try
        {
            if (queue == null)
            {
                return Refusal.NoPointer("queue");
            }

            if (HandleTable.Find<NativePort>(port) is not { } through)
            {
                return Refusal.NoHandle("port");
            }

            if (HandleTable.Find<TranslationRing>(ring) is not { } found)
            {
                return Refusal.NoHandle("ring");
            }

            *queue = HandleTable.Open(through.Port.Serve(found, pasid));
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_queue_process")]
    internal static int Process(nint queue)
    {
        try
        {
            return HandleTable.Find<DmaQueue>(queue) is { } found ? found.Process() : Refusal.NoHandle("queue");
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_queue_wait")]
    internal static int WaitRequests(nint queue, int milliseconds)
    {
        try
        {
            return HandleTable.Find<DmaQueue>(queue) is not { } found ? Refusal.NoHandle("queue")
                : found.Wait(Time(milliseconds)) ? 1 : 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fi_queue_close")]
    internal static int CloseQueue(nint queue) => CloseAny<DmaQueue>(queue, "queue");

    private static TimeSpan Time(int milliseconds) => milliseconds < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(milliseconds);

    private static int CloseAny<T>(nint handle, string kind)
        where T : class, IDisposable
    {
        try
        {
            if (HandleTable.Close<T>(handle) is not { } found)
            {
                return Refusal.NoHandle(kind);
            }

            found.Dispose();
            return 0;
        }
        catch (Exception thrown)
        {
            return Refusal.Of(thrown);
        }
    }
}
