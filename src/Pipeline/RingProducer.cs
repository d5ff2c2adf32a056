using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The one producer of a ring: publishes requests, reads the answers in the same order.</summary>
/// <remarks>
/// Owns: two private positions; shares the mapping.
/// I1: <see cref="_at"/> holds published (head) and released (tail): released &lt;= published &lt;= released + capacity. Both are private,
/// so that publishing reads no memory of the other side.
/// I2: a slot between released and published is the consumer's until it holds an answer; all others are ours.
/// Threads: one at a time.
/// Teardown: <see cref="Dispose"/> leaves the positions in the ring, so that another producer can go on, in this process or elsewhere.
/// </remarks>
public sealed unsafe class RingProducer : IDisposable
{
    private readonly RingMemory _ring;
    private readonly ulong* _slots;
    private readonly ulong _mask;
    private readonly bool _parks;
    private ulong _capacity;
    private PrivatePositions _at;
    private bool _disposed;

    internal RingProducer(RingMemory ring)
    {
        _ring = ring.Retain();
        _slots = ring.Slots;
        _capacity = (ulong)ring.Capacity;
        _mask = _capacity - 1;
        _parks = ring.Wait == WaitPolicy.Park;
        // Pairs with Dispose of the producer before; otherwise two could publish, or start from old positions.
        if (Interlocked.CompareExchange(ref ring.Header->ProducerAttached, 1, 0) != 0)
        {
            ring.Release();
            throw new InvalidOperationException("The ring has its producer already: dispose of that one, or make a ring with RingProducers.Many.");
        }

        _at.Head = ring.Header->ProducerPublished;
        _at.Tail = ring.Header->ProducerReleased;
        if (_at.Head - _at.Tail > _capacity)
        {
            ring.Release();
            throw new InvalidDataException(
                $"The last producer left {_at.Head} published and {_at.Tail} read, a ring of {_capacity} cannot hold the difference: make a new ring.");
        }
    }

    /// <summary>Requests whose answers have not been read, 0 to the capacity.</summary>
    public int Outstanding => (int)(_at.Head - _at.Tail);

    /// <summary>Publishes one request.</summary>
    /// <param name="iova">The address to translate; one of 2^57 or more is answered with <see cref="FaultReason.OutsideAperture"/>.</param>
    /// <param name="wanted">What the access will do.</param>
    /// <returns>False when the ring is full: read answers, then try again.</returns>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: the producer's.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPublish(ulong iova, Permission wanted)
    {
        ulong published = _at.Head;
        if (published - _at.Tail >= _capacity)
        {
            return Refuse();
        }

        // SAFETY: masked by the private capacity; the slot is ours (I2).
        // Pairs with the read barrier of the consumer's Take; otherwise it could miss a mapping made before the request.
        Volatile.Write(ref _slots[published & _mask], RequestWord.Word(iova, RequestWord.Mark(wanted)));
        _at.Head = published + 1;
        if (_parks)
        {
            _ring.RequestBell.RingIfAwaited();
        }

        return true;
    }

    /// <summary>Publishes a batch of requests: all or none.</summary>
    /// <param name="iovas">The addresses to translate, at most the capacity.</param>
    /// <param name="wanted">What the accesses will do.</param>
    /// <returns>False when the ring has not enough room: read answers, then try again.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The batch is longer than the ring: it would never fit.</exception>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: the producer's.</remarks>
    public bool TryPublish(ReadOnlySpan<ulong> iovas, Permission wanted)
    {
        ulong published = _at.Head;
        if (published + (ulong)iovas.Length - _at.Tail > _capacity)
        {
            return Refuse(iovas.Length);
        }

        ulong offset = published & _mask;
        int first = (int)Math.Min((ulong)iovas.Length, _capacity - offset);
        ulong mark = RequestWord.Mark(wanted);
        // SAFETY: offset + first <= capacity, the rest lies at the start; the slots are ours (I2). The second run first: see SlotRun I3.
        fixed (ulong* source = iovas)
        {
            if (first < iovas.Length)
            {
                SlotRun.Publish(_slots, source + first, iovas.Length - first, mark);
            }

            SlotRun.Publish(_slots + offset, source, first, mark);
        }

        return Advance(iovas.Length);
    }

    /// <summary>Publishes a batch of requests that were built before: all or none.</summary>
    /// <param name="requests">The requests, at most the capacity.</param>
    /// <returns>False when the ring has not enough room: read answers, then try again.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The batch is longer than the ring: it would never fit.</exception>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: the producer's.</remarks>
    public bool TryPublish(ReadOnlySpan<RequestWord> requests)
    {
        ulong published = _at.Head;
        if (published + (ulong)requests.Length - _at.Tail > _capacity)
        {
            return Refuse(requests.Length);
        }

        ulong offset = published & _mask;
        int first = (int)Math.Min((ulong)requests.Length, _capacity - offset);
        // SAFETY: as above; a request is one 8-byte word. A default one is made a request of address zero, otherwise it would stop the ring.
        fixed (ulong* source = MemoryMarshal.Cast<RequestWord, ulong>(requests))
        {
            if (first < requests.Length)
            {
                SlotRun.Publish(_slots, source + first, requests.Length - first, RequestWord.Present, RequestWord.Completed);
            }

            SlotRun.Publish(_slots + offset, source, first, RequestWord.Present, RequestWord.Completed);
        }

        return Advance(requests.Length);
    }

    /// <summary>Reads the next answers, in the order of the requests, and frees their slots.</summary>
    /// <param name="into">Where to put them.</param>
    /// <returns>How many were ready, 0 to the length of <paramref name="into"/>.</returns>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: the producer's.</remarks>
    public int TryReadCompletions(Span<CompletionWord> into)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int most = (int)Math.Min((ulong)into.Length, _at.Head - _at.Tail);
        ulong offset = _at.Tail & _mask;
        int first = (int)Math.Min((ulong)most, _capacity - offset);
        // SAFETY: offset + first <= capacity, the rest lies at the start; most <= into.Length, and an answer is one 8-byte word.
        fixed (ulong* target = MemoryMarshal.Cast<CompletionWord, ulong>(into))
        {
            int read = SlotRun.Take(_slots + offset, target, first, RequestWord.TurnMask);
            if (read == first && first < most)
            {
                read += SlotRun.Take(_slots, target + first, most - first, RequestWord.TurnMask);
            }

            _at.Tail += (ulong)read;
            return read;
        }
    }

    /// <summary>Waits until an answer can be read.</summary>
    /// <param name="timeout">The longest wait; zero to look once, <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <param name="cancellation">Ends the wait early.</param>
    /// <returns>False when the time has passed, and at once when no request is outstanding.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: the producer's. Waits as the ring's <see cref="WaitPolicy"/> says.</remarks>
    public bool WaitCompletions(TimeSpan timeout, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _at.Head != _at.Tail
            && RingWait.Until(new AnswerIsThere(_slots + (_at.Tail & _mask)), _ring.Wait, _ring.CompletionBell, timeout, cancellation);
    }

    /// <summary>Detaches: another producer may follow and read the answers that are left. The second call does nothing.</summary>
    /// <remarks>Threads: the producer's.</remarks>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _ring.Header->ProducerPublished = _at.Head;
        _ring.Header->ProducerReleased = _at.Tail;
        // Pairs with the compare-exchange of the next producer; otherwise it reads old positions.
        Volatile.Write(ref _ring.Header->ProducerAttached, 0);
        _capacity = 0; // every later TryPublish ends in Refuse: the hot path tests nothing else
        _at.Tail = _at.Head;
        _ring.Release();
    }

    private bool Advance(int count)
    {
        _at.Head += (ulong)count;
        if (_parks)
        {
            _ring.RequestBell.RingIfAwaited();
        }

        return true;
    }

    private bool Refuse(int count = 1)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return (ulong)count > _capacity
            ? throw new ArgumentOutOfRangeException(nameof(count), count, $"A ring of {_capacity} slots never holds so many requests: publish at most {_capacity} at a time.")
            : false;
    }

    private readonly struct AnswerIsThere(ulong* slot) : IRingCondition
    {
        private readonly ulong* _slot = slot;

        // SAFETY: a slot of the mapped ring. Pairs with the consumer's store; TryReadCompletions orders what follows.
        public bool IsMet() => CompletionWord.IsCompleted(Volatile.Read(ref *_slot));
    }
}
