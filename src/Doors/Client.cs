using System.Collections.Concurrent;

namespace FastIova;

/// <summary>One program in one process, from its first word to the engine until it exits or another program takes its place.</summary>
/// <remarks>
/// <para>Owns: the memory of its slots, what is known of its process, and descriptors that wait to be collected.</para>
/// <para>Invariants. C1: a process that forks or execs is a new client; two clients never share a slot. C2: what a client owns
/// is given back when it has ended and the last thread that serves it has left.</para>
/// <para>Threads: any.</para>
/// </remarks>
#pragma warning disable CA1001 // several threads own it together: the last to leave gives back what it owns (C2)
internal sealed class Client
#pragma warning restore CA1001 // see above
{
    private readonly ConcurrentDictionary<ulong, Descriptor> _tickets = new();
    private readonly SharedWords _words;
    private readonly bool[] _isServed = new bool[DoorProtocol.Slots];
    private readonly Lock _lock = new();
    private int _users = 1;
    private ulong _lastTicket;
    private readonly ManualResetEventSlim _drained = new();
    private readonly ManualResetEventSlim _ended = new(initialState: false, spinCount: 0);

    /// <param name="token">What it calls itself.</param>
    /// <param name="process">Its process; the client's from now on.</param>
    /// <param name="objects">Memory that clients share.</param>
    /// <param name="user">Its user.</param>
    /// <param name="quotas">What it may have.</param>
    /// <param name="lockLimitPages">What it may have locked; null for the limit of its process.</param>
    /// <param name="strangeUser">Its user, where the engine may reach into more than that user may; else null.</param>
    internal Client(ulong token, ProcessHandle process, BackingObjects objects, DoorUser user, Quotas quotas, long? lockLimitPages, uint? strangeUser = null)
    {
        User = user;
        Quotas = quotas;
        Token = token;
        Process = process;
        _words = new SharedWords("fastiova-slots", DoorProtocol.Slots * DoorProtocol.SlotBytes);
        Memory = new ClientMemory(process, objects, quotas.Pins, strangeUser);
        LockLimitPages = lockLimitPages is { } pages ? () => pages : AskLockLimit;
    }

    /// <summary>What it calls itself in greetings; nobody else knows it.</summary>
    internal ulong Token { get; }

    /// <summary>Its user.</summary>
    internal DoorUser User { get; }

    /// <summary>The number of its user, as the kernel says.</summary>
    internal uint UserId { get; init; }

    /// <summary>What it may have.</summary>
    internal Quotas Quotas { get; }

    /// <summary>How fast its calls are refused.</summary>
    internal required RefusalPace Refusals { get; init; }

    /// <summary>Its process.</summary>
    internal ProcessHandle Process { get; }

    /// <summary>Its memory, which may be pinned for longer than it lives.</summary>
    internal ClientMemory Memory { get; }

    /// <summary>Which of its threads asked for a step to fail.</summary>
    internal FaultRequests Faults { get; } = new();

    /// <summary>What it may have locked, in pages: RLIMIT_MEMLOCK of the process unless the engine has another limit, and the last that it had once it is gone.</summary>
    internal Func<long> LockLimitPages { get; }

    /// <summary>Whether it is gone: nothing is served any more.</summary>
    internal bool HasEnded => _ended.IsSet;

    /// <summary>Waits for its end.</summary>
    /// <param name="patience">How long at most; below a millisecond not at all.</param>
    internal void AwaitEnd(TimeSpan patience) => _ended.Wait(patience);

    /// <summary>Waits, after its end, for the calls that it was in: until they return, its files are open.</summary>
    /// <param name="patience">How long at most.</param>
    /// <returns>Whether they have returned.</returns>
    internal bool HasDrained(TimeSpan patience) => _drained.Wait(patience);

    /// <summary>The memory file of its slots.</summary>
    internal int SlotsDescriptor => _words.FileDescriptor;

    /// <summary>Begins to serve a slot; the thread that does so calls <see cref="Leave()"/> at its end.</summary>
    /// <returns>False when there is no such slot, it is served already, or the client has ended.</returns>
    internal bool TryEnter(uint index, out CallSlot slot)
    {
        slot = default;
        lock (_lock)
        {
            if (HasEnded || index >= DoorProtocol.Slots || _isServed[index])
            {
                return false;
            }

            _isServed[index] = true;
            _users++;
        }

        slot = new CallSlot(_words, (int)index);
        return true;
    }

    /// <summary>A thread no longer serves a slot.</summary>
    internal void Leave() => Release();

    /// <summary>A slot is not served after all.</summary>
    internal void Leave(uint index)
    {
        lock (_lock)
        {
            _isServed[index] = false;
        }

        Release();
    }

    /// <summary>Keeps a descriptor until the client collects it.</summary>
    /// <returns>The ticket to collect it by.</returns>
    internal ulong Deposit(Descriptor descriptor)
    {
        ulong ticket = Interlocked.Increment(ref _lastTicket);
        _tickets[ticket] = descriptor;
        if (HasEnded && _tickets.TryRemove(ticket, out Descriptor? late))
        {
            late.Dispose();
        }

        return ticket;
    }

    /// <summary>Takes a deposited descriptor: by the client, or back.</summary>
    internal bool TryCollect(ulong ticket, out Descriptor? descriptor) => _tickets.TryRemove(ticket, out descriptor);

    /// <summary>The process has exited, another program runs in it, or it broke the protocol. Called once.</summary>
    internal void End()
    {
        _ended.Set();
        lock (_lock)
        {
            for (int i = 0; i < _isServed.Length; i++)
            {
                if (_isServed[i])
                {
                    new CallSlot(_words, i).Stop();
                }
            }
        }

        foreach (ulong ticket in _tickets.Keys)
        {
            if (_tickets.TryRemove(ticket, out Descriptor? descriptor))
            {
                descriptor.Dispose();
            }
        }

        Memory.MarkGone();
        Release();
    }

    private void Release()
    {
        lock (_lock)
        {
            if (--_users != 0)
            {
                return;
            }
        }

        _words.Dispose();
        Process.Dispose();
        User.Clients.GiveBack(1); // not before: a program that is killed in a call that cannot end would else come again and again
        _drained.Set();
    }

    private long _lastLimit;

    private long AskLockLimit()
    {
        if (!HasEnded)
        {
            ulong bytes = Process.LockedMemoryLimit;
            Volatile.Write(ref _lastLimit, bytes == ulong.MaxValue ? long.MaxValue : (long)(bytes >> Frame.PageLg2));
        }

        return Volatile.Read(ref _lastLimit);
    }
}
