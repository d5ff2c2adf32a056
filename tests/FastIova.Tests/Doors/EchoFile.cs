using System.Buffers.Binary;

namespace FastIova.Tests.Doors;

/// <summary>A file that answers what client.c asks: everything that a door carries, without an engine behind it.</summary>
internal sealed class EchoFile : OpenFile
{
    private static int _open;

    private readonly List<EchoQueue> _queues = [];
    private readonly List<(MemorySpace Space, FrameRun Run)> _pins = [];
    private readonly SemaphoreSlim _posted = new(0);

    internal EchoFile() => Interlocked.Increment(ref _open);

    /// <summary>Files and queues that are not closed.</summary>
    internal static int OpenFiles => Volatile.Read(ref _open);

    internal static void Count(int change) => Interlocked.Add(ref _open, change);

    internal override bool IsReadable => true;

    internal override bool IsWritable => true;

    internal override long Ioctl(Caller caller, uint request, ulong argument)
    {
        switch (request & 0xff)
        {
            case 1:
                return AddOne(caller, argument);
            case 2:
                return -(long)argument;
            case 3:
                var queue = new EchoQueue();
                lock (_queues)
                {
                    _queues.Add(queue);
                }

                int fd = caller.Install(queue);
                if (fd < 0)
                {
                    queue.Close();
                }

                return fd;
            case 4:
                return caller.TryResolve((int)argument, out OpenFile? file) ? (file is null ? 0 : 1) : -9;
            case 5:
                Span<byte> one = stackalloc byte[1];
                return caller.Memory.TryRead(argument, one) ? one[0] : -14;
            case 6:
                lock (_queues)
                {
                    _queues.ForEach(each => each.Push((int)argument));
                }

                return 0;
            case 7:
                return Pin(caller, argument);
            case 8:
                _posted.Wait();
                return 0;
            case 9:
                _posted.Release();
                return 0;
            case 10:
                int number = caller.Install(new EchoQueue());
                caller.Uninstall(number);
                return number;
            case 11:
                return caller.TryResolve((int)argument, out OpenFile? found) && found is EchoQueue full ? full.Drain() : -22;
            case 12:
                return Peek();
            case 13:
                for (ulong i = 0; i < argument; i++)
                {
                    if (FaultPoint.Fails())
                    {
                        return -12;
                    }
                }

                return 0;
            case 14:
                throw new InvalidOperationException("A handler of the tests throws because it was asked to.");
            default:
                return -25;
        }
    }

    internal override void Close()
    {
        lock (_pins)
        {
            _pins.ForEach(pin => pin.Space.Unpin(pin.Run));
            _pins.Clear();
        }

        Count(-1);
    }

    private static long AddOne(Caller caller, ulong argument)
    {
        Span<byte> pair = stackalloc byte[16];
        if (!caller.Memory.TryRead(argument, pair))
        {
            return -14;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(pair[8..], BinaryPrimitives.ReadUInt64LittleEndian(pair) + 1);
        return caller.Memory.TryWrite(argument, pair) ? 7 : -14;
    }

    private long Pin(Caller caller, ulong argument)
    {
        var runs = new List<FrameRun>();
        PinStatus status = caller.Memory.Pin(argument & ~(Frame.PageBytes - 1), 0, 1, write: true, runs);
        if (status != PinStatus.Success)
        {
            return -14;
        }

        lock (_pins)
        {
            _pins.Add((caller.Memory, runs[0]));
        }

        return runs[0].First.IsRemote ? 1 : 0;
    }

    private long Peek()
    {
        lock (_pins)
        {
            FrameRun run = _pins[^1].Run;
            Span<byte> one = stackalloc byte[1];
            bool isRead = run.First.IsRemote
                ? MemorySpace.ByIndex(run.First.SpaceIndex)!.TryRead(run.First.RemoteAddress, one)
                : ProcessMemory.TryRead(Environment.ProcessId, run.First.Host, one);
            return isRead ? one[0] : -14;
        }
    }
}

/// <summary>A file of records of eight bytes, which count up.</summary>
internal sealed class EchoQueue : OpenFile
{
    private readonly Lock _lock = new();
    private ulong _next;
    private int _count;

    internal EchoQueue() => EchoFile.Count(1);

    internal override bool IsReadable => Volatile.Read(ref _count) > 0;

    internal override bool IsWritable => true;

    internal override long Read(Caller caller, ulong buffer, ulong count)
    {
        if (count % 8 != 0)
        {
            return -29;
        }

        lock (_lock)
        {
            if (_count == 0)
            {
                return 0;
            }

            Span<byte> record = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(record, _next);
            if (!caller.Memory.TryWrite(buffer, record))
            {
                return -14;
            }

            _next++;
            _count--;
        }

        RaiseReadinessChanged();
        return 8;
    }

    internal override long Write(Caller caller, ulong buffer, ulong count) => (long)count;

    internal override void Close() => EchoFile.Count(-1);

    internal void Push(int count)
    {
        lock (_lock)
        {
            _count += count;
        }

        RaiseReadinessChanged();
    }

    internal long Drain()
    {
        lock (_lock)
        {
            _count = 0;
        }

        return 0;
    }
}
