using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FastIova;

/// <summary>What a ring that an engine in another process serves is like.</summary>
/// <remarks>Threads: immutable.</remarks>
public sealed record ServedRingOptions
{
    /// <summary>Slots: requests and unread answers that the ring holds at most; a power of two, 64 to 65,536. 8 bytes each.</summary>
    public int Capacity { get; init; } = 4096;

    /// <summary>One producer or many.</summary>
    public RingProducers Producers { get; init; } = RingProducers.One;

    /// <summary>
    /// Which engine: the first line of the file PATH.door of <c>fastiova serve --socket PATH</c>, or null for that of <c>fastiova run</c>, in
    /// which the program runs.
    /// </summary>
    public string? Door { get; init; }
}

/// <summary>
/// A ring that an engine in another process serves: a device of this process translates through it without a system call while both
/// sides are busy. The answers are addresses of the process that mapped, as it gave them to IOMMU_IOAS_MAP.
/// </summary>
/// <remarks>
/// <para>Owns: a connection, the ring and a counter. The engine holds a device in the context for as long as the connection is there.</para>
/// <para>Threads: any; the ring's producers say what theirs are.</para>
/// <para>Teardown: <see cref="Dispose"/>, or the end of the process: the engine detaches the device. It never fails.</para>
/// </remarks>
public sealed class ServedRing : IDisposable
{
    private const int KeyDigits = 16;

    private readonly UnixSocket _connection;
    private readonly EventDescriptor _wakes;

    private ServedRing(UnixSocket connection, TranslationRing ring, EventDescriptor wakes, uint device, int engine)
    {
        _connection = connection;
        Ring = ring;
        _wakes = wakes;
        DeviceId = device;
        EngineProcess = engine;
    }

    /// <summary>The ring: attach a producer. It is not to be served by this process.</summary>
    public TranslationRing Ring { get; }

    /// <summary>The id of the ring's device in the context: ioctls may attach it elsewhere.</summary>
    public uint DeviceId { get; }

    /// <summary>The process that serves.</summary>
    public int EngineProcess { get; }

    /// <summary>An eventfd that becomes readable when answers come after <see cref="Arm"/>: for poll and epoll. The ring owns it.</summary>
    public int WakeDescriptor => _wakes.Number;

    /// <summary>Whether the engine still serves the ring; what it left unanswered then stays so.</summary>
    public bool IsServed
    {
        get
        {
            // Nothing is ever sent after the first two messages: zero bytes are the end, none is a connection that is there.
            Span<byte> none = stackalloc byte[1];
            int bytes = _connection.Receive(none, out Descriptor? passed);
            passed?.Dispose();
            return bytes != 0;
        }
    }

    /// <summary>Asks an engine to serve a ring on an ioas.</summary>
    /// <param name="iommufd">The descriptor of an open <c>/dev/iommu</c> of that engine: it is the right to do this.</param>
    /// <param name="ioas">An ioas of it.</param>
    /// <param name="options">What the ring is like, or null for the defaults.</param>
    /// <returns>The ring; dispose it to end it.</returns>
    /// <exception cref="InvalidOperationException">This program does not run with an engine, and no door was given.</exception>
    /// <exception cref="FormatException">The door is not what an engine writes.</exception>
    /// <exception cref="IOException">The engine is gone.</exception>
    /// <exception cref="IommufdException">
    /// EBADF: the descriptor is no <c>/dev/iommu</c> of this engine. ENOENT: there is no such ioas. EINVAL: a ring cannot have this capacity.
    /// EMFILE: the client has as many rings as it may. EADDRINUSE, EFAULT, ENOMEM: what is mapped cannot be attached. ESHUTDOWN: the engine is ending.
    /// </exception>
    public static ServedRing Open(int iommufd, uint ioas, ServedRingOptions? options = null)
    {
        options ??= new ServedRingOptions();
        string door = options.Door ?? Environment.GetEnvironmentVariable(DoorProtocol.Variable)
            ?? throw new InvalidOperationException($"{DoorProtocol.Variable} is not set: start the program with 'fastiova run', or give ServedRingOptions.Door.");
        byte[] order = Order(door, ioas, options, out byte[] address);
        UnixSocket connection = UnixSocket.Connect(address);
        TranslationRing? ring = null;
        try
        {
            Span<byte> answer = stackalloc byte[DoorProtocol.AnswerBytes];
            if (!connection.TrySend(order, iommufd))
            {
                throw new IommufdException("ServedRing.Open", Errno.BadDescriptor);
            }

            int bytes = connection.Receive(answer, out Descriptor? memory, wait: true);
            using (memory)
            {
                if (bytes != answer.Length)
                {
                    throw new IOException("The engine has closed the connection: it does not know this key, or is of another release.");
                }

                int result = BinaryPrimitives.ReadInt32LittleEndian(answer[4..]);
                ring = result == 0 && memory is not null ? TranslationRing.Open(memory.Number) : throw new IommufdException("ServedRing.Open", (Errno)(-result));
            }

            _ = connection.Receive(stackalloc byte[1], out Descriptor? counter, wait: true);
            EventDescriptor wakes = counter is null ? throw new IOException("The engine has ended.") : EventDescriptor.TryAdopt(counter) ?? throw new IOException("The engine sent no eventfd.");
            return new ServedRing(connection, ring, wakes, (uint)BinaryPrimitives.ReadUInt64LittleEndian(answer[8..]), (int)BinaryPrimitives.ReadUInt64LittleEndian(answer[16..]));
        }
        catch
        {
            ring?.Dispose();
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Asks to be woken by the next answers: look into the ring once more before waiting on <see cref="WakeDescriptor"/>.</summary>
    public void Arm() => Ring.AwaitAnswers();

    /// <summary>Takes a wake-up back, so that <see cref="WakeDescriptor"/> waits again.</summary>
    /// <returns>False when there was none.</returns>
    public bool TakeWake() => _wakes.TryTake();

    /// <inheritdoc/>
    public void Dispose()
    {
        Ring.Dispose();
        _wakes.Dispose();
        _connection.Dispose();
    }

    private static byte[] Order(string door, uint ioas, ServedRingOptions options, out byte[] address)
    {
        // KEY:FLAGS:ADDRESS, as shim/protocol.h says.
        string[] parts = door.Split(':', 3);
        if (parts.Length != 3 || parts[0].Length != 2 * KeyDigits || parts[2].Length == 0
            || !ulong.TryParse(parts[0].AsSpan(0, KeyDigits), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong first)
            || !ulong.TryParse(parts[0].AsSpan(KeyDigits), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong second))
        {
            throw new FormatException("The door is no KEY:FLAGS:ADDRESS: give the first line of the file beside the socket of 'fastiova serve'.");
        }

        address = Encoding.UTF8.GetBytes(parts[2]);
        if (address[0] == '@')
        {
            address[0] = 0;
        }

        byte[] order = new byte[DoorProtocol.GreetingBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(order, DoorProtocol.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(order.AsSpan(4), DoorProtocol.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(order.AsSpan(8), DoorProtocol.GreetRing);
        BinaryPrimitives.WriteUInt32LittleEndian(order.AsSpan(12), (uint)options.Capacity | (options.Producers == RingProducers.Many ? RingServer.ManyProducers : 0));
        BinaryPrimitives.WriteUInt64LittleEndian(order.AsSpan(16), first);
        BinaryPrimitives.WriteUInt64LittleEndian(order.AsSpan(24), second);
        BinaryPrimitives.WriteUInt64LittleEndian(order.AsSpan(40), ioas);
        return order;
    }
}
