using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FastIova;

/// <summary>Opens what lies below <c>/dev</c>.</summary>
/// <param name="caller">Who opens.</param>
/// <param name="path">The path.</param>
/// <param name="file">The file.</param>
/// <returns>Zero, a negative errno, or <see cref="DoorProtocol.NotMine"/> when the engine has no such node.</returns>
internal delegate long NodeOpener(Caller caller, string path, out OpenFile? file);

/// <summary>The door for programs: they run with the shim, and the nodes below <c>/dev</c> are the engine's.</summary>
/// <remarks>
/// <para>Owns: the place where programs connect, their ends of every file, and the clients.</para>
/// <para>Threads: any. Teardown: closes every file and ends every client, in whatever state they are.</para>
/// </remarks>
internal sealed class ProgramDoor : IDisposable
{
    // A call that lasts longer than this is stuck, and not to hold others up.
    private static readonly TimeSpan DrainsFor = TimeSpan.FromSeconds(1);

    private static readonly uint? OwnUser = AskOwnUser();

    private readonly ConcurrentDictionary<ulong, Client> _clients = new();
    private readonly ConcurrentDictionary<ulong, Client> _draining = new();
    private readonly ConcurrentDictionary<uint, MemoryTally> _tallies = new();
    private readonly ConcurrentDictionary<uint, DoorUser> _users = new();
    private readonly NodeOpener _nodes;
    private readonly DoorOptions _options;
    private readonly Action<Exception> _complain;
    private readonly Doorkeeper _doorkeeper;
    private readonly Thread _reaper;
    private readonly string _address;
    private volatile bool _isClosing;
    private int _rings;

    /// <param name="nodes">Opens nodes.</param>
    /// <param name="options">What the engine is made of.</param>
    /// <param name="socket">The path where programs connect; null for a place of its own that only its children know.</param>
    /// <param name="complain">Takes defects of the engine, which end a client but not the engine.</param>
    internal ProgramDoor(NodeOpener nodes, EngineOptions options, string? socket, Action<Exception> complain)
        : this(nodes, new DoorOptions { Socket = socket, OffersFaults = options.TestBackend, LockLimitPages = options.LockLimitPages }, complain)
    {
    }

    /// <param name="nodes">Opens nodes.</param>
    /// <param name="options">What the door is made of.</param>
    /// <param name="complain">Takes defects of the engine.</param>
    internal ProgramDoor(NodeOpener nodes, DoorOptions options, Action<Exception> complain)
    {
        WindowGuard.Start(Path.Combine(AppContext.BaseDirectory, "libfastiova-guard.so"));
        _nodes = nodes;
        _options = options;
        ShowsDevices = options.ShowsDevices;
        string? socket = options.Socket;
        _complain = complain;
        Span<byte> engine = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(engine);
        ulong id = BitConverter.ToUInt64(engine);
        if (socket is null)
        {
            RandomNumberGenerator.Fill(Key);
        }

        _address = socket ?? string.Create(CultureInfo.InvariantCulture, $"@{DoorProtocol.FileName}{id:x16}");
        Files = new ServedFiles(id, Objects, Complain, Forget, Tidy);
        UnixSocket listener = options.Listener ?? UnixSocket.Listen(NameOf(_address));
        _reaper = new Thread(Reap) { IsBackground = true, Name = "fastiova-reaper" };
        _reaper.Start();
        _doorkeeper = new Doorkeeper(this, listener);
        DoorMeter.Add(this);
    }

    /// <summary>What a client must know; all zeros where the path is protected instead.</summary>
    internal byte[] Key { get; } = new byte[16];

    /// <summary>Whether the view of programs has devices: the shim then takes their files from there.</summary>
    internal bool ShowsDevices { get; init; }

    /// <summary>What clients may have.</summary>
    internal DoorLimits Limits => _options.Limits;

    /// <summary>The rings that are served.</summary>
    internal int RingCount => Volatile.Read(ref _rings);

    /// <summary>Whether new clients are no longer taken.</summary>
    internal bool IsClosing => _isClosing;

    /// <summary>How many clients there were.</summary>
    internal EventCount Welcomed { get; } = new();

    /// <summary>How many of them the engine has ended.</summary>
    internal EventCount Disconnected { get; } = new();

    /// <summary>The clients that have not ended.</summary>
    internal IEnumerable<Client> Clients => _clients.Values;

    /// <summary>The files that clients hold.</summary>
    internal ServedFiles Files { get; }

    /// <summary>Memory that clients share.</summary>
    internal BackingObjects Objects { get; } = new();

    /// <summary>The clients that have ended in the middle of a call that still runs.</summary>
    internal int DrainingCount => _draining.Count;

    /// <summary>The clients that have not ended.</summary>
    internal int ClientCount => _clients.Count;

    /// <summary>The environment variable that leads programs here.</summary>
    internal string Variable
    {
        get
        {
            uint flags = (_options.OffersFaults ? DoorProtocol.FlagFaults : 0) | (BackingObjects.OpensMapFiles ? 0 : DoorProtocol.FlagLend) | (ShowsDevices ? DoorProtocol.FlagDevices : 0);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{BitConverter.ToUInt64(Key, 0):x16}{BitConverter.ToUInt64(Key, 8):x16}:{flags}:{_address}");
        }
    }

    /// <summary>How long a refusal is to wait: not at all, unless there were very many and another process is a client, too.</summary>
    /// <param name="process">Who is refused.</param>
    /// <param name="pace">How fast.</param>
    internal TimeSpan WaitBeforeRefusal(int process, RefusalPace pace) =>
        pace.IsLimited && _clients.Any(other => other.Value.Process.Id != process) ? pace.Next(Stopwatch.GetTimestamp()) : TimeSpan.Zero;

    /// <summary>How long the refusal of a connection is to wait.</summary>
    /// <param name="peer">Who has connected.</param>
    internal TimeSpan WaitBeforeRefusal(PeerCredentials peer) => WaitBeforeRefusal(peer.Process, UserAt(peer.User).Refusals);

    /// <summary>Whose call it is: what a client says, where only children of this process are clients; else only root's word counts beside the kernel's.</summary>
    /// <param name="client">The client.</param>
    /// <param name="claimed">The user that it says it is.</param>
    internal uint UserOf(Client client, uint claimed) => _options.Socket is null || client.UserId == 0 ? claimed : client.UserId;

    /// <summary>What a user has locked.</summary>
    internal MemoryTally TallyOf(uint user) => _tallies.GetOrAdd(user, static _ => new MemoryTally());

    /// <summary>Takes no new clients from now on; those that are there stay.</summary>
    internal void StopWelcoming() => _isClosing = true;

    /// <summary>Makes a process a client.</summary>
    /// <param name="connection">What the process has connected by.</param>
    /// <param name="client">The client.</param>
    /// <returns>Zero, or a negative errno: it is gone already, its user has too many clients, the engine has no room, or the door is closing.</returns>
    internal int Welcome(UnixSocket connection, out Client? client)
    {
        Files.Sweep();
        client = null;
        if (_isClosing)
        {
            return -DoorProtocol.IsShutDown;
        }

        if (connection.TryOpenPeer() is not { } process)
        {
            return -DoorProtocol.NoSuchProcess;
        }

        PeerCredentials peer = connection.Peer;

        // Another program in the same process has taken the place of the one before.
        foreach (Client before in _clients.Values)
        {
            if (before.Process.Id == peer.Process && !before.Memory.IsAlive())
            {
                Files.End(before);
            }
        }

        DoorUser user = UserAt(peer.User);
        if (_clients.Values.Count(other => other.Process.Id == peer.Process) >= Limits.ProcessClients || !user.Clients.TryTake(1))
        {
            process.Dispose();
            Tell(DoorEventKind.Refused, peer.Process, peer.User);
            return -DoorProtocol.TooManyFiles;
        }

        try
        {
            client = new Client(ServedFiles.ClientToken(), process, Objects, user, Limits.OfClient(user.Quotas), _options.LockLimitPages, StrangeUser(peer.User)) { UserId = peer.User, Refusals = Limits.NewPace() };
        }
        catch (IOException)
        {
            process.Dispose();
            user.Clients.GiveBack(1);
            return -DoorProtocol.NoMemory;
        }

        _clients[client.Token] = client;
        int result = Files.TryWatch(client) ? CallServer.TryStart(this, client, 0) : -DoorProtocol.NoMemory;
        if (result != 0)
        {
            Files.End(client);
            client = null;
            Tell(DoorEventKind.Refused, peer.Process, peer.User);
            return result;
        }

        Welcomed.Add();
        Tell(DoorEventKind.Welcomed, peer.Process, peer.User);
        return 0;
    }

    /// <summary>Ends a client that broke the protocol or met a defect.</summary>
    internal void Disconnect(Client client)
    {
        if (!client.HasEnded)
        {
            Disconnected.Add();
            Tell(DoorEventKind.Disconnected, client.Process.Id, client.UserId);
            Files.End(client);
        }
    }

    /// <summary>A ring is served from now on, or no longer.</summary>
    internal void CountRing(int change) => Interlocked.Add(ref _rings, change);

    /// <summary>A user of the machine, as the kernel numbers them.</summary>
    internal DoorUser UserAt(uint number) => _users.GetOrAdd(number, static (_, limits) => new DoorUser(limits), Limits);

    /// <summary>Finds a client by what only it knows.</summary>
    internal bool TryGetClient(ulong token, out Client? client) => _clients.TryGetValue(token, out client);

    /// <summary>A thread no longer serves a client, which has ended.</summary>
    internal void Left(Client client)
    {
        StopDrainingIfDone(client);
        Files.Sweep();
        Tidy();
    }

    /// <summary>Opens a node or a file of fault injection.</summary>
    internal long Open(Client client, Caller caller, string path, out OpenFile? file)
    {
        if (_options.OffersFaults && TryParseFailNth(path, client.Process.Id, out uint thread))
        {
            file = new FailNthFile(client.Faults, thread);
            return 0;
        }

        Drain(client);
        return _nodes(caller, path, out file);
    }

    /// <summary>Makes the status of a process, with what is pinned and locked here on its behalf.</summary>
    /// <returns>Null when the path is another one, or the kernel's own text says it all.</returns>
    internal Descriptor? OpenStatus(Client client, string path)
    {
        if (path.Split('/') is not ["", "proc", var who, "status"] || !TryParseProcess(who, client.Process.Id, out int id))
        {
            return null;
        }

        long pinned = 0;
        long locked = 0;
        foreach (Client one in _clients.Values.Where(one => one.Process.Id == id))
        {
            pinned += one.Memory.Tally.PinnedPages;
            locked += one.Memory.Tally.LockedPages;
        }

        return pinned == 0 && locked == 0 ? null : ProcessStatus.TryMake(id, pinned, locked);
    }

    /// <summary>Closes memory that nobody needs any more: when a client has ended, when the last call or the last file that it left behind has, and when whoever lent some is gone.</summary>
    internal void Tidy() => Objects.Trim(user => _clients.Values.Any(client => client.UserId == user));

    /// <summary>Reports a defect of the engine.</summary>
    internal void Complain(Exception defect)
    {
        _complain(defect);
        _options.OnEvent?.Invoke(new DoorEvent(DoorEventKind.Defect, 0, 0, defect.ToString()));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        DoorMeter.Remove(this);
        _doorkeeper.Dispose();
        Files.Stop();
        _reaper.Join();
        Files.Dispose();
        Objects.Dispose();
        if (_address[0] != '@' && _options.Listener is null)
        {
            File.Delete(_address);
        }
    }

    // An engine that has no more rights than its clients is kept by the kernel from what they must not reach.
    private uint? StrangeUser(uint user) => _options.Socket is not null && user != 0 && user != OwnUser ? user : null;

    private static uint? AskOwnUser()
    {
        using Descriptor? own = Descriptor.TryReserve();
        return own?.Owner;
    }

    private static byte[] NameOf(string address)
    {
        byte[] name = Encoding.UTF8.GetBytes(address);
        if (name[0] == '@')
        {
            name[0] = 0;
        }

        return name;
    }

    // /proc/self/task/TID/fail-nth, or the process's own id in the place of self.
    private static bool TryParseFailNth(string path, int process, out uint thread)
    {
        thread = 0;
        string[] parts = path.Split('/');
        return parts is ["", "proc", var who, "task", var task, "fail-nth"]
            && TryParseProcess(who, process, out int id) && id == process
            && uint.TryParse(task, NumberStyles.None, CultureInfo.InvariantCulture, out thread);
    }

    private static bool TryParseProcess(string who, int self, out int id)
    {
        id = self;
        return who is "self" || int.TryParse(who, NumberStyles.None, CultureInfo.InvariantCulture, out id);
    }

    // A process that is killed in a call ends when the call does: whoever comes next finds what it held free. It is waited for once, and
    // by its own user only: a call that its owner lets hang is nobody else's to wait for.
    private void Drain(Client comer)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (Client gone in _draining.Values.Where(gone => gone.UserId == comer.UserId))
        {
            TimeSpan left = DrainsFor - Stopwatch.GetElapsedTime(start);
            if (gone.HasDrained(left > TimeSpan.Zero ? left : TimeSpan.Zero))
            {
                Files.Sweep();
            }

            _draining.TryRemove(gone.Token, out _);
        }
    }

    private void Forget(Client client)
    {
        _draining[client.Token] = client;
        StopDrainingIfDone(client);
        if (_clients.TryRemove(client.Token, out _))
        {
            Tell(DoorEventKind.Left, client.Process.Id, client.UserId);
        }

        Tidy();
    }

    private void Tell(DoorEventKind kind, int process, uint user) => _options.OnEvent?.Invoke(new DoorEvent(kind, process, user, string.Empty));

    // Asked after it was listed, and after the last thread has left: whichever comes second takes it off.
    private void StopDrainingIfDone(Client client)
    {
        if (client.HasDrained(TimeSpan.Zero))
        {
            _draining.TryRemove(client.Token, out _);
        }
    }

    private void Reap()
    {
        while (Files.AwaitEnd())
        {
            Files.Sweep();
        }
    }
}
