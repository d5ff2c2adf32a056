namespace FastIova;

/// <summary>The engine's side of a ring: takes requests in order, answers them in order.</summary>
/// <remarks>
/// Owns: its position and two private batches; shares the mapping.
/// I1: the head in <see cref="_at"/> is private. Slots are addressed by it and the private capacity alone: nothing that another program writes can
/// move a read or a write out of the ring.
/// I2: requests are handed out as a private copy, so that no word changes between two looks at it.
/// I3: answers are collected privately and stored by <see cref="Complete"/>: no unfinished one is ever visible.
/// I4: every call ends after at most <see cref="BatchMost"/> slots, whatever the slots hold. A producer that breaks the protocol
/// can only spoil its own requests and answers, or be answered more often than it asked.
/// Threads: one at a time, and one consumer per ring at a time.
/// Teardown: <see cref="Dispose"/>; an unanswered batch stays in the ring for the next consumer.
/// </remarks>
internal sealed unsafe class RingConsumer : IDisposable
{
    /// <summary>The requests that one <see cref="Take"/> hands out at most.</summary>
    internal const int BatchMost = 512;

    private readonly RingMemory _ring;
    private readonly VirtualMemory _batches;
    private readonly ulong* _slots;
    private readonly ulong* _requests;
    private readonly ulong* _completions;
    private readonly ulong _mask;
    private readonly bool _parks;
    private PrivatePositions _at;
    private int _disposed;

    internal RingConsumer(RingMemory ring)
    {
        _batches = VirtualMemory.Reserve(2 * BatchMost * sizeof(ulong), hugePages: false);
        _ring = ring.Retain();
        _slots = ring.Slots;
        _mask = (ulong)ring.Capacity - 1;
        _parks = ring.Wait == WaitPolicy.Park;
        // SAFETY: the reserved memory holds both batches, each BatchMost words long.
        _requests = (ulong*)_batches.Start;
        _completions = _requests + BatchMost;
        _at.Head = Volatile.Read(ref ring.Header->Completed.Value); // pairs with Complete of the consumer before; any value is a legal position
    }

    /// <summary>Hands out the next published requests; the same ones again until <see cref="Complete"/>.</summary>
    /// <param name="max">The most to hand out.</param>
    /// <param name="requests">Private copies of the request words; valid until the next call.</param>
    /// <param name="completions">Room for as many <see cref="CompletionWord"/> values or bare host addresses; may be written in any order and more than once.</param>
    /// <returns>How many, 0 to <see cref="BatchMost"/>; fewer than published where the ring wraps.</returns>
    internal int Take(int max, out ulong* requests, out ulong* completions)
    {
        requests = _requests;
        completions = _completions;
        ulong offset = _at.Head & _mask;
        int most = (int)Math.Min((ulong)Math.Clamp(max, 0, BatchMost), _mask + 1 - offset);
        // SAFETY: offset + most <= capacity (I1), and the private batch holds BatchMost.
        int taken = SlotRun.Take(_slots + offset, _requests, most, RequestWord.Present);
        _at.Tail = (ulong)taken;
        return taken;
    }

    /// <summary>Takes the next batch that a <see cref="Translator"/> answers.</summary>
    /// <returns>How many requests, 0 to <see cref="Probe.BatchLimit"/>.</returns>
    internal int TakeBatch() => Take(Probe.BatchLimit, out _, out _);

    /// <summary>Has the batch that was taken translated, and publishes the answers; inside a scope of the translator's port.</summary>
    /// <param name="translator">Who translates.</param>
    /// <param name="count">What <see cref="TakeBatch"/> returned.</param>
    internal void Answer(Translator translator, int count)
    {
        translator.Answer(_requests, _completions, count);
        Complete(count);
    }

    /// <summary>Answers each request of the batch with the address that it asks for: the ring alone, which bounds every translation through it.</summary>
    /// <param name="count">What <see cref="TakeBatch"/> returned.</param>
    internal void AnswerUntranslated(int count)
    {
        if (count != 0)
        {
            // SAFETY: both private batches hold count words.
            RequestWord.Strip(_requests, _completions, count);
            Complete(count);
        }
    }

    /// <summary>Publishes the first answers of the batch that was taken.</summary>
    /// <param name="count">How many, 0 to what <see cref="Take"/> returned.</param>
    internal void Complete(int count)
    {
        if ((uint)count > _at.Tail)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"The batch has {_at.Tail} requests: complete at most those.");
        }

        // SAFETY: as in Take; the run does not cross the wrap because Take's did not.
        SlotRun.Publish(_slots + (_at.Head & _mask), _completions, count, RequestWord.TurnMask, 0);
        _at.Tail = 0;
        _at.Head += (ulong)count;
        // Pairs with the claim of shared producers; otherwise they could take a slot for free that still awaits its answer.
        Volatile.Write(ref _ring.Header->Completed.Value, _at.Head);
        if (_parks)
        {
            _ring.CompletionBell.RingIfAwaited();
        }
    }

    /// <summary>Waits for a request.</summary>
    /// <param name="timeout">The longest wait, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellation">Ends the wait early.</param>
    /// <returns>False when the time has passed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    internal bool WaitRequests(TimeSpan timeout, CancellationToken cancellation) =>
        RingWait.Until(new RequestIsThere(_slots + (_at.Head & _mask)), _ring.Wait, _ring.RequestBell, timeout, cancellation);

    /// <summary>Counts the requests that wait to be answered. Reads at most the whole ring, once.</summary>
    /// <remarks>Threads: any; zero when the ring is gone.</remarks>
    internal int CountWaiting()
    {
        if (!_ring.TryRetain())
        {
            return 0;
        }

        // Where the consumer stands is private: what it last published is a legal position too, and old by a batch at most.
        ulong at = Volatile.Read(ref _ring.Header->Completed.Value);
        int waiting = 0;

        // SAFETY: every index is masked by the private capacity (I1), and the mapping is kept.
        while (waiting < _ring.Capacity && RequestWord.IsPublished(Volatile.Read(ref _slots[(at + (ulong)waiting) & _mask])))
        {
            waiting++;
        }

        _ring.Release();
        return waiting;
    }

    /// <summary>Gives the memory back. The second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) // pairs with itself; otherwise two calls release twice
        {
            _batches.Dispose();
            _ring.Release();
        }
    }

    private readonly struct RequestIsThere(ulong* slot) : IRingCondition
    {
        private readonly ulong* _slot = slot;

        // SAFETY: a slot of the mapped ring. Pairs with the store of the request; Take orders what follows.
        public bool IsMet() => RequestWord.IsPublished(Volatile.Read(ref *_slot));
    }
}
