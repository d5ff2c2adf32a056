namespace FastIova;

/// <summary>
/// A ring through which another thread or process has addresses translated: requests go in, answers come back in the same slots
/// and in the same order. It lies in a memory file, so that passing <see cref="FileDescriptor"/> on is enough to share it.
/// </summary>
/// <remarks>
/// Owns: one use of the mapped file; producers and consumers have their own, so the order of disposal does not matter.
/// I1: a slot is free, a request or an answer, and says so itself (<see cref="RequestWord"/>): no counter travels with a batch.
/// I2: only the consumer turns a request into an answer; only a producer turns an answer into anything else.
/// Threads: any.
/// Teardown: <see cref="Dispose"/>; the file lives until its last descriptor and mapping are gone, in any process.
/// </remarks>
public sealed class TranslationRing : IDisposable
{
    private readonly RingMemory _memory;
    private int _disposed;

    private TranslationRing(RingMemory memory) => _memory = memory;

    /// <summary>The memory file; owned by the ring. Duplicate it, or send it to another process, while the ring lives.</summary>
    public int FileDescriptor => _memory.FileDescriptor;

    /// <summary>Slots: requests and unread answers that the ring holds at most.</summary>
    public int Capacity => _memory.Capacity;

    /// <summary>Whether one or many producers may attach.</summary>
    public RingProducers Producers => _memory.Producers;

    /// <summary>How both sides wait.</summary>
    public WaitPolicy Wait => _memory.Wait;

    /// <summary>Makes an empty ring.</summary>
    /// <param name="options">What it is like; null for the defaults.</param>
    /// <returns>The ring.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option has a value that no ring can have; nothing was made.</exception>
    /// <exception cref="IOException">Linux refused the memory.</exception>
    public static TranslationRing Create(TranslationRingOptions? options = null) => new(RingMemory.Create(options ?? new TranslationRingOptions()));

    /// <summary>Opens a ring that somebody else made. The descriptor is duplicated; the caller keeps its own.</summary>
    /// <param name="fileDescriptor">The descriptor of the ring's memory file.</param>
    /// <returns>The ring.</returns>
    /// <exception cref="IOException">The descriptor is not open, or no sealed memory file.</exception>
    /// <exception cref="InvalidDataException">The memory file holds no ring, or one of another version.</exception>
    public static TranslationRing Open(int fileDescriptor) => new(RingMemory.Open(fileDescriptor));

    /// <summary>Becomes the producer of a ring with <see cref="RingProducers.One"/>.</summary>
    /// <returns>The producer; the caller disposes of it.</returns>
    /// <exception cref="InvalidOperationException">The ring is for many producers, or has its producer already, here or in another process.</exception>
    /// <exception cref="InvalidDataException">What the last producer left in the ring makes no sense.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    /// <remarks>Threads: any. A producer that was killed stays attached: make a new ring then.</remarks>
    public RingProducer AttachProducer()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return Producers == RingProducers.One
            ? new RingProducer(_memory)
            : throw new InvalidOperationException("The ring was made for RingProducers.Many: call AttachSharedProducer.");
    }

    /// <summary>Becomes one producer of a ring with <see cref="RingProducers.Many"/>.</summary>
    /// <returns>The producer; the caller disposes of it.</returns>
    /// <exception cref="InvalidOperationException">The ring is for a single producer.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    /// <remarks>Threads: any.</remarks>
    public SharedRingProducer AttachSharedProducer()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return Producers == RingProducers.Many
            ? new SharedRingProducer(_memory)
            : throw new InvalidOperationException("The ring was made for RingProducers.One: call AttachProducer, or make it with RingProducers.Many.");
    }

    /// <summary>Gives this object's use of the file back. The second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) // pairs with itself; otherwise two calls release twice
        {
            _memory.Release();
        }
    }

    /// <summary>The engine's side. One at a time per ring, which its owner sees to.</summary>
    internal RingConsumer AttachConsumer()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return new RingConsumer(_memory);
    }

    /// <summary>Has a counter signalled, too, whenever answers wake somebody who announced that it waits. Before the ring is served.</summary>
    internal void SignalAnswers(EventDescriptor counter) => _memory.CompletionBell.Signal = counter;

    /// <summary>Announces somebody who waits for answers: the next ones wake it.</summary>
    internal void AwaitAnswers() => _ = _memory.CompletionBell.Listen();

    /// <summary>The mapped memory, for tests that play the hostile peer.</summary>
    internal RingMemory Memory => _memory;
}
