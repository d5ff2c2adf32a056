using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One of many producers of a ring, in any thread and process: publishes batches, reads the answers by ticket.</summary>
/// <remarks>
/// Owns: nothing but a cached position; shares the mapping.
/// I1: a run of slots is claimed by moving the shared claim counter over it, and only when (a) everything that used those slots one
/// round ago has been answered, known from the consumer's completed counter, and (b) every slot is free, so that the answers have been read.
/// I2: between looking and claiming the run cannot lose these properties: a free slot changes only after it was claimed, and
/// then the counter has moved and the compare-and-swap fails. The counter has 64 bits and does not come round.
/// I3: the owner of a ticket, and nobody else, frees the slots of the ticket, after reading them.
/// A producer that dies between claiming and publishing, or never reads its answers, stops the ring for all its producers (not for
/// the engine and other rings): give programs that may be killed a ring each.
/// Threads: any number may use one object at the same time; a ticket belongs to one.
/// Teardown: <see cref="Dispose"/>, when no call is running.
/// </remarks>
public sealed unsafe class SharedRingProducer : IDisposable
{
    private readonly RingMemory _ring;
    private readonly ulong* _slots;
    private readonly ulong _mask;
    private readonly ulong _capacity;
    private readonly bool _parks;
    private ulong _completedSeen;
    private int _disposed;

    internal SharedRingProducer(RingMemory ring)
    {
        _ring = ring.Retain();
        _slots = ring.Slots;
        _capacity = (ulong)ring.Capacity;
        _mask = _capacity - 1;
        _parks = ring.Wait == WaitPolicy.Park;
        _completedSeen = Volatile.Read(ref ring.Header->Completed.Value); // pairs with Complete; old values are safe: it only grows
    }

    /// <summary>Publishes one request.</summary>
    /// <param name="iova">The address to translate; one of 2^57 or more is answered with <see cref="FaultReason.OutsideAperture"/>.</param>
    /// <param name="wanted">What the access will do.</param>
    /// <param name="ticket">What to read the answer by; empty when refused.</param>
    /// <returns>False when the ring is full: read answers, or wait for room.</returns>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: any.</remarks>
    public bool TryPublish(ulong iova, Permission wanted, out RingTicket ticket) => TryPublish(new ReadOnlySpan<ulong>(in iova), wanted, out ticket);

    /// <summary>Publishes a batch of requests: all or none.</summary>
    /// <param name="iovas">The addresses to translate, at most the capacity.</param>
    /// <param name="wanted">What the accesses will do.</param>
    /// <param name="ticket">What to read the answers by; empty when refused.</param>
    /// <returns>False when the ring has not enough room: read answers, or wait for room.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The batch is longer than the ring: it would never fit.</exception>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: any.</remarks>
    public bool TryPublish(ReadOnlySpan<ulong> iovas, Permission wanted, out RingTicket ticket)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        int count = iovas.Length;
        ulong claimed;
        do
        {
            claimed = Volatile.Read(ref _ring.Header->Claimed.Value); // pairs with the swap below; an old value makes it fail
            if (!IsFree(claimed, count))
            {
                if (Volatile.Read(ref _ring.Header->Claimed.Value) != claimed) // as above: another producer took the run, look behind it
                {
                    continue;
                }

                ticket = default;
                return false;
            }

            // Pairs with the same swap of other producers; otherwise two would own one slot (I2).
            if (Interlocked.CompareExchange(ref _ring.Header->Claimed.Value, claimed + (ulong)count, claimed) == claimed)
            {
                break;
            }
        }
        while (true);

        ulong offset = claimed & _mask;
        int first = (int)Math.Min((ulong)count, _capacity - offset);
        ulong mark = RequestWord.Mark(wanted);
        // SAFETY: count <= capacity by IsFree, so both runs lie in the ring; they are ours by the claim.
        fixed (ulong* source = iovas)
        {
            if (first < count)
            {
                SlotRun.Publish(_slots, source + first, count - first, mark);
            }

            SlotRun.Publish(_slots + offset, source, first, mark);
        }

        if (_parks)
        {
            _ring.RequestBell.RingIfAwaited();
        }

        ticket = new RingTicket(claimed, count);
        return true;
    }

    /// <summary>Reads the next answers of a ticket, in the order of its requests, and frees their slots.</summary>
    /// <param name="ticket">The ticket; what was read is gone from it.</param>
    /// <param name="into">Where to put them.</param>
    /// <returns>How many were ready, 0 to the length of <paramref name="into"/>.</returns>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: any; one per ticket.</remarks>
    public int TryReadCompletions(ref RingTicket ticket, Span<CompletionWord> into)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        int most = Math.Min(into.Length, ticket.Outstanding);
        int total = 0;
        // SAFETY: a run ends at the wrap and at most words; most <= into.Length, and an answer is one 8-byte word.
        fixed (ulong* target = MemoryMarshal.Cast<CompletionWord, ulong>(into))
        {
            while (total < most)
            {
                ulong offset = ticket.Next & _mask;
                int run = (int)Math.Min((ulong)(most - total), _capacity - offset);
                int read = SlotRun.Take(_slots + offset, target + total, run, RequestWord.TurnMask);
                SlotRun.Free(_slots + offset, read);
                ticket.Next += (ulong)read;
                total += read;
                if (read < run)
                {
                    break;
                }
            }
        }

        ticket.Outstanding -= total;
        if (_parks && total > 0)
        {
            _ring.CompletionBell.RingIfAwaited(); // for producers that wait for room
        }

        return total;
    }

    /// <summary>Waits until an answer of a ticket can be read.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="timeout">The longest wait; zero to look once, <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <param name="cancellation">Ends the wait early.</param>
    /// <returns>False when the time has passed, and at once when the ticket is used up.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: any; one per ticket. Waits as the ring's <see cref="WaitPolicy"/> says.</remarks>
    public bool WaitCompletions(in RingTicket ticket, TimeSpan timeout, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return ticket.Outstanding != 0
            && RingWait.Until(new AnswerIsThere(_slots + (ticket.Next & _mask)), _ring.Wait, _ring.CompletionBell, timeout, cancellation);
    }

    /// <summary>Waits until a batch has room. Others may be faster: publishing can still be refused.</summary>
    /// <param name="count">The requests of the batch, 0 to the capacity.</param>
    /// <param name="timeout">The longest wait; zero to look once, <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <param name="cancellation">Ends the wait early.</param>
    /// <returns>False when the time has passed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or the ring never has so much room.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The producer was disposed of.</exception>
    /// <remarks>Threads: any. The caller's own unread answers take room too: read them first.</remarks>
    public bool WaitRoom(int count, TimeSpan timeout, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return RingWait.Until(new RoomIsThere(this, count), _ring.Wait, _ring.CompletionBell, timeout, cancellation);
    }

    /// <summary>Detaches. The second call does nothing.</summary>
    /// <remarks>Threads: when no other call is running.</remarks>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) // pairs with itself; otherwise two calls release twice
        {
            _ring.Release();
        }
    }

    private bool IsFree(ulong claimed, int count)
    {
        if ((uint)count > _capacity)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"A ring of {_capacity} slots never holds so many requests: publish at most {_capacity} at a time.");
        }

        ulong end = claimed + (ulong)count;
        ulong completed = Volatile.Read(ref _completedSeen); // pairs with the write below; an old value is only stricter
        if (end - completed > _capacity)
        {
            completed = Volatile.Read(ref _ring.Header->Completed.Value); // pairs with Complete; otherwise a slot that awaits its answer seems free
            Volatile.Write(ref _completedSeen, completed); // pairs with the read above
            if (end - completed > _capacity)
            {
                return false;
            }
        }

        ulong offset = claimed & _mask;
        int first = (int)Math.Min((ulong)count, _capacity - offset);
        // SAFETY: count <= capacity, so both runs lie in the ring.
        return SlotRun.AreFree(_slots + offset, first) && SlotRun.AreFree(_slots, count - first);
    }

    private readonly struct AnswerIsThere(ulong* slot) : IRingCondition
    {
        private readonly ulong* _slot = slot;

        // SAFETY: a slot of the mapped ring. Pairs with the consumer's store; TryReadCompletions orders what follows.
        public bool IsMet() => CompletionWord.IsCompleted(Volatile.Read(ref *_slot));
    }

    private readonly struct RoomIsThere(SharedRingProducer producer, int count) : IRingCondition
    {
        // Pairs with the swap in TryPublish: an old claim only gives an old answer, and publishing looks again.
        public bool IsMet() => producer.IsFree(Volatile.Read(ref producer._ring.Header->Claimed.Value), count);
    }
}
