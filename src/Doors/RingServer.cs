using System.Numerics;
using static FastIova.DoorProtocol;

namespace FastIova;

/// <summary>One ring that another process translates through: a device of the context that it named, attached to its ioas, and a thread that answers.</summary>
/// <remarks>
/// <para>Owns: the connection, the ring, the port and the device, and one ring of a quota.</para>
/// <para>Invariants. R1: it ends with its connection, however the other side died: then nothing of it is left. R2: answers are addresses
/// of the process that mapped; the engine never uses them. R3: what the other side writes into the ring is a request, or nothing.</para>
/// <para>Threads: its own. <see cref="Weigh"/> and, once, <see cref="HangUp"/> come from the doorkeeper, which waits for nobody.</para>
/// </remarks>
#pragma warning disable CA1001 // its thread and its connection own it together: the last of them gives back what it owns
internal sealed class RingServer
#pragma warning restore CA1001 // see above
{
    /// <summary>The slots of a ring that is served, at most: half a mebibyte.</summary>
    internal const int CapacityMost = 1 << 16;

    /// <summary>In the field of the capacity: many producers.</summary>
    internal const uint ManyProducers = 1u << 31;

    private static readonly byte[] OneByte = [1];

    private readonly ProgramDoor _door;
    private readonly UnixSocket _connection;
    private readonly IommufdContext _context;
    private readonly uint _ioas;
    private readonly TranslationRingOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private readonly Lock _weighing = new();
    private ThreadWeight? _weight;
    private double _parts = 1;

    // The thread and the connection: the last of them gives back what both need.
    private int _users = 2;

    private RingServer(ProgramDoor door, UnixSocket connection, IommufdContext context, uint ioas, TranslationRingOptions options)
    {
        _door = door;
        _connection = connection;
        Number = connection.Number;
        _context = context;
        _ioas = ioas;
        _options = options;
        _thread = new Thread(Run) { IsBackground = true, Name = "fastiova-ring" };
    }

    /// <summary>The descriptor of the connection.</summary>
    internal int Number { get; }

    /// <summary>Whose ring it is: what its context counts against.</summary>
    internal Quotas? Owner => _context.Quotas;

    /// <summary>Begins to serve a ring, or says why not. Attaching, which may take long, is the new thread's.</summary>
    /// <param name="door">Where it was asked for.</param>
    /// <param name="connection">Its connection: the server's from here on, when this succeeds.</param>
    /// <param name="order">What was asked for.</param>
    /// <param name="file">The file of the context, which who asks must hold; the caller closes it.</param>
    /// <param name="server">The server.</param>
    /// <returns>Zero, or a negative errno.</returns>
    internal static int TryStart(ProgramDoor door, UnixSocket connection, in Greeting order, Descriptor? file, out RingServer? server)
    {
        server = null;
        uint capacity = order.Slot & ~ManyProducers;
        if (capacity is < TranslationRingOptions.CapacityLeast or > CapacityMost || !BitOperations.IsPow2(capacity) || order.Ticket > uint.MaxValue)
        {
            return -Invalid;
        }

        if (door.IsClosing)
        {
            return -IsShutDown;
        }

        if (file is null || Descriptor.FactsOf(file.Number) is not { } facts || !door.Files.TryGetByFarInode(facts.Inode, out ServedFile? served) || served!.File is not IommufdContext context || !context.TryHold())
        {
            return -BadDescriptor;
        }

        if (context.Quotas?.Rings.TryTake(1) == false)
        {
            context.LetGo();
            return -TooManyFiles;
        }

        var options = new TranslationRingOptions
        {
            Capacity = (int)capacity,
            Producers = (order.Slot & ManyProducers) != 0 ? RingProducers.Many : RingProducers.One,
            Wait = WaitPolicy.Park, // nobody else's processor is polled away
        };
        server = new RingServer(door, connection, context, (uint)order.Ticket, options);
        door.CountRing(1);
        try
        {
            server._thread.Start();
            return 0;
        }
        catch (Exception refused) when (refused is OutOfMemoryException or ThreadStartException)
        {
            server._stop.Dispose();
            server = null;
            door.CountRing(-1);
            context.Quotas?.Rings.GiveBack(1);
            context.LetGo();
            return -NoMemory;
        }
    }

    /// <summary>The other side is gone, or the door closes: the thread ends soon.</summary>
    internal void HangUp()
    {
        _stop.Cancel();
        Release();
    }

    /// <summary>Makes the ring weigh a part of a thread against others.</summary>
    internal void Weigh(double parts)
    {
        lock (_weighing)
        {
            if (parts != _parts)
            {
                _parts = parts;
                _weight?.Divide(parts);
            }
        }
    }

    /// <summary>Waits for the thread, at most a time.</summary>
    internal void Join(TimeSpan most) => _thread.Join(most);

    private void Run()
    {
        lock (_weighing)
        {
            _weight = ThreadWeight.OfThisThread();
            if (_parts != 1)
            {
                _weight.Divide(_parts);
            }
        }

        try
        {
            int result = Serve();
            if (result != 0)
            {
                _stop.Token.WaitHandle.WaitOne(_door.WaitBeforeRefusal(_connection.Peer));
                Answer(result, 0, -1);
            }
        }
#pragma warning disable CA1031 // whatever went wrong here ends this ring, and never the engine
        catch (Exception defect)
#pragma warning restore CA1031 // see above
        {
            _door.Complain(defect);
            Answer(-InputOutput, 0, -1);
        }
        finally
        {
            lock (_weighing)
            {
                _weight = null; // its number may soon be another thread's
            }

            Release();
        }
    }

    // Zero once it has been served.
    private int Serve()
    {
        try
        {
            if (FaultPoint.Fails())
            {
                return -NoMemory;
            }

            using EventDescriptor? wakes = EventDescriptor.TryCreate();
            if (wakes is null)
            {
                return -TooManyFiles;
            }

            using TranslationRing ring = TranslationRing.Create(_options);
            ring.SignalAnswers(wakes);
            using DmaPort port = _context.Engine.Iommu.OpenPort(new DmaPortOptions { Name = $"ring-{_connection.Peer.Process}" });
            using IommufdDevice device = _context.Bind(port, new DeviceOptions { Domain = new DomainOptions { AnswersUserAddresses = true } });
            device.Attach(new IoasId(_ioas));
            using DmaQueue queue = port.Serve(ring);
            if (Answer(0, device.Id, ring.FileDescriptor) && _connection.TrySend(OneByte, wakes.Number))
            {
                queue.Run(_stop.Token);
            }

            return 0;
        }
        catch (IommufdException refused)
        {
            return -(int)refused.Errno;
        }
        catch (InvalidOperationException)
        {
            return -TooManyFiles; // all ports of the engine are open
        }
        catch (IOException)
        {
            return -NoMemory;
        }
    }

    private bool Answer(int result, ulong device, int fd)
    {
        Span<byte> answer = stackalloc byte[AnswerBytes];
        Greeting.Answer(answer, result, device);
        return _connection.TrySend(answer, fd);
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _connection.Dispose();
            _context.Quotas?.Rings.GiveBack(1);
            _context.LetGo();
            _door.CountRing(-1);
            _stop.Dispose();
        }
    }
}
