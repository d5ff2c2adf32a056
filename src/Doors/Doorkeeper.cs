using System.Diagnostics;
using static FastIova.DoorProtocol;

namespace FastIova;

/// <summary>The thread that accepts connections at the engine's address: each brings one greeting and takes one answer.</summary>
/// <remarks>
/// It never waits for a client and runs no handler, so a client that is silent, slow or hostile holds nobody up.
/// Threads: its own.
/// </remarks>
internal sealed class Doorkeeper : IDisposable
{
    // More connections at a time than this are somebody's mistake: the oldest of whoever has most is closed.
    private const int ConnectionsLast = 256;
    private const int ClosedAtOnce = 16;
    private const ulong ListenerKey = 0;
    private static readonly TimeSpan RingsEndWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FullFor = TimeSpan.FromMilliseconds(20);
    private const ulong StopKey = ulong.MaxValue;
    private const ulong LenderKey = ulong.MaxValue - 1;

    private readonly ProgramDoor _door;
    private readonly UnixSocket _listener;
    private readonly ReadinessSet _ready = new();
    private readonly Dictionary<ulong, UnixSocket> _connections = [];
    private readonly Dictionary<int, int> _counts = [];
    private Descriptor? _spare = Descriptor.TryReserve();
    private readonly Dictionary<ulong, RingServer> _rings = [];
    private readonly LateRefusals _late = new();
    private readonly Thread _thread;
    private ulong _lastConnection;
    private readonly StopSignal _stop;

    internal Doorkeeper(ProgramDoor door, UnixSocket listener)
    {
        _door = door;
        _listener = listener;
        _ready.Add(listener.Number, Readiness.Readable, ListenerKey);
        _stop = new StopSignal(_ready, StopKey);
        _thread = new Thread(Run) { IsBackground = true, Name = "fastiova-door" };
        _thread.Start();
    }

    /// <summary>Stops accepting.</summary>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        foreach (RingServer ring in _rings.Values)
        {
            ring.HangUp();
        }

        // One that attaches memory which its owner lets nobody read is not waited for: it ends with the process.
        long start = Stopwatch.GetTimestamp();
        foreach (RingServer ring in _rings.Values)
        {
            TimeSpan left = RingsEndWithin - Stopwatch.GetElapsedTime(start);
            ring.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }

        _rings.Clear();
        foreach (UnixSocket connection in _connections.Values)
        {
            connection.Dispose();
        }

        _late.Dispose();
        _listener.Dispose();
        _spare?.Dispose();
        _stop.Dispose();
        _ready.Dispose();
    }

    private void Run()
    {
        Span<ulong> keys = stackalloc ulong[16];
        while (!_stop.IsSet)
        {
            int count = _ready.Wait(keys, _late.MillisecondsToFirst);
            _late.TellDue();
            foreach (ulong key in keys[..count])
            {
                try
                {
                    if (key == ListenerKey)
                    {
                        Accept();
                    }
                    else if (key == LenderKey)
                    {
                        _door.Tidy();
                    }
                    else if (_rings.Remove(key, out RingServer? ring))
                    {
                        _ready.Remove(ring.Number);
                        ring.HangUp();
                        WeighRingsOf(ring.Owner);
                    }
                    else if (_connections.Remove(key, out UnixSocket? connection) && !Hear(connection, key))
                    {
                        connection.Dispose();
                    }
                }
#pragma warning disable CA1031 // whatever one connection causes must not end the engine for everybody else
                catch (Exception defect)
#pragma warning restore CA1031 // see above
                {
                    _door.Complain(defect);
                }
            }
        }
    }

    private void Accept()
    {
        if (_listener.TryAccept(out bool isFull) is not { } connection)
        {
            if (isFull)
            {
                TurnAway();
            }

            return;
        }

        if (_connections.Count + _late.Count >= ConnectionsLast)
        {
            CloseOne();
        }

        // A client that has spoken already, as it usually has, needs no second round.
        ulong key = ++_lastConnection;
        _connections[key] = connection;
        try
        {
            _ready.Add(connection.Number, Readiness.Readable, key);
        }
        catch (IOException)
        {
            _connections.Remove(key);
            connection.Dispose();
        }
    }

    // No descriptor is left. Who waits is told so, by the end of its connection, and does not keep this thread awake.
    // Nothing here may load an assembly, which takes a descriptor, too.
    private void TurnAway()
    {
        if (_connections.Count + _late.Count != 0)
        {
            // Room for who comes next, and for what a client needs.
            for (int i = 0; i < ClosedAtOnce && _connections.Count + _late.Count != 0; i++)
            {
                CloseOne();
            }

            return;
        }

        _spare?.Dispose();
        _listener.TryAccept()?.Dispose();
        _spare = Descriptor.TryReserve();
        if (_spare is null)
        {
            _stop.Wait(FullFor);
        }

        _door.Tidy();
    }

    // Each ring has a thread: who has many rings would otherwise have as many shares of the processors.
    private void WeighRingsOf(Quotas? owner)
    {
        if (owner is not null)
        {
            RingServer[] rings = [.. _rings.Values.Where(ring => ReferenceEquals(ring.Owner, owner))];
            foreach (RingServer ring in rings)
            {
                ring.Weigh(Math.Max(1, rings.Length / (double)_door.Limits.FullRings));
            }
        }
    }

    // One that is refused anyway; else one that says nothing, of the process that has most of them: nobody is shut out by what another opens.
    private void CloseOne()
    {
        if (_late.Count != 0)
        {
            _late.TellFirst();
            return;
        }

        _counts.Clear();
        int most = 0;
        foreach (UnixSocket connection in _connections.Values)
        {
            int process = connection.Peer.Process;
            int count = _counts.GetValueOrDefault(process) + 1;
            _counts[process] = count;
            most = Math.Max(most, count);
        }

        ulong oldest = ulong.MaxValue;
        foreach ((ulong key, UnixSocket connection) in _connections)
        {
            oldest = key < oldest && _counts[connection.Peer.Process] == most ? key : oldest;
        }

        _connections.Remove(oldest, out UnixSocket? silent);
        silent!.Dispose();
    }

    // Says no, or keeps the connection until it is time to.
    private bool Refuse(UnixSocket connection, int? result)
    {
        TimeSpan wait = _door.WaitBeforeRefusal(connection.Peer);
        if (wait == TimeSpan.Zero)
        {
            LateRefusals.Tell(connection, result);
        }
        else
        {
            _ready.Remove(connection.Number);
            _late.Add(connection, result, wait);
        }

        return true;
    }

    // Whether somebody else closes the connection from now on.
    private bool Hear(UnixSocket connection, ulong key)
    {
        Span<byte> message = stackalloc byte[GreetingBytes + 1];
        int bytes = connection.Receive(message, out Descriptor? passed);
        using (passed)
        {
            if (bytes <= 0)
            {
                return false;
            }

            if (!Greeting.TryParse(message[..bytes], _door.Key, out Greeting greeting))
            {
                return Refuse(connection, null);
            }

            if (greeting.Kind != GreetRing)
            {
                return Answer(connection, greeting, passed);
            }

            int result = RingServer.TryStart(_door, connection, greeting, passed, out RingServer? ring);
            if (result != 0)
            {
                return Refuse(connection, result);
            }

            _rings[key] = ring!;
            WeighRingsOf(ring!.Owner);
            _ready.Remove(connection.Number);
            _ready.Add(connection.Number, Readiness.PeerGone, key);
            return true;
        }
    }

    private bool TryBorrow(UnixSocket connection, Descriptor lent)
    {
        if (connection.TryOpenPeer() is not { } lender)
        {
            return false;
        }

        // Who lends need not be a client yet, and never become one: its end is watched for here. Before the handle is given away.
        try
        {
            _ready.Add(lender.Number, Readiness.Readable | Readiness.Once, LenderKey);
        }
        catch (IOException)
        {
            lender.Dispose();
            return false;
        }

        PeerCredentials peer = connection.Peer;
        return _door.Objects.TryLend(lent, lender, peer.User, _door.UserAt(peer.User).Quotas.Files);
    }

    private bool Answer(UnixSocket connection, in Greeting greeting, Descriptor? passed)
    {
        int result = -Invalid;
        ulong token = 0;
        int fd = -1;
        Descriptor? collected = null;
        Client? client = null;
        if (greeting.Kind == GreetHello)
        {
            result = _door.Welcome(connection, out client);
            token = client?.Token ?? 0;
            fd = client?.SlotsDescriptor ?? -1;
        }
        else if (greeting.Kind == GreetLend)
        {
            result = passed is not null && TryBorrow(connection, passed) ? 0 : -BadDescriptor;
        }
        else if (_door.TryGetClient(greeting.Client, out client))
        {
            if (greeting.Kind == GreetSlot)
            {
                result = CallServer.TryStart(_door, client!, greeting.Slot);
            }
            else if (greeting.Kind == GreetCollect && client!.TryCollect(greeting.Ticket, out collected))
            {
                result = 0;
                fd = collected!.Number;
            }
        }

        if (result != 0)
        {
            return Refuse(connection, result);
        }

        Span<byte> answer = stackalloc byte[AnswerBytes];
        Greeting.Answer(answer, result, token);
        if (collected is not null)
        {
            // Whoever deposited it waits for the end of this: from then on only the client holds it.
            lock (collected)
            {
                _ = connection.TrySend(answer, fd);
                collected.Dispose();
            }
        }
        else if (!connection.TrySend(answer, fd) && greeting.Kind == GreetHello && client is not null)
        {
            // It went away before it was a client.
            _door.Files.End(client);
        }

        return false;
    }
}
