using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>The heart of the model: registers, queues, and the commands that it takes from them.</summary>
/// <remarks>
/// <para>Owns: registers, queues, features, logs, outstanding event requests.</para>
/// <para>Invariants. N1: a command is fetched, carried out and completed in one go, in the order of its queue; queues take turns. N2: a command is
/// fetched only when its completion has room. N3: a fault on a queue itself ends everything until a reset: the driver reads it in the status
/// register. N4: nothing is allocated for a command. N5: doorbells lie in the memory of the BAR, whoever writes them.</para>
/// <para>Threads: one at a time, under the model's lock; doorbells are written by others meanwhile.</para>
/// </remarks>
internal sealed partial class NvmeController
{
    private const int FetchMost = 16;

    private readonly PciDeviceHost _host;
    private readonly DeviceDma _dma;
    private readonly NvmeNamespace _namespace;
    private readonly NvmeTransfer _transfer;
    private readonly string _serial;
    private readonly int _ioQueues;
    private readonly byte[] _entries = new byte[FetchMost * NvmeCommand.Bytes];
    private readonly byte[] _completion = new byte[NvmeCompletionQueue.EntryBytes];
    private readonly NvmeSubmissionQueue?[] _submissions;
    private readonly NvmeCompletionQueue?[] _completions;
    private readonly MappedWords _words = new(NvmeRegister.End / sizeof(uint));
    private uint _mask;
    private uint _configuration;
    private uint _status;
    private uint _adminQueues;
    private ulong _adminSubmission;
    private ulong _adminCompletion;
    private int _pageLg2 = 12;
    private int _first;
    private uint _result;
    private bool _pin;

    internal NvmeController(PciDeviceHost host, NvmeNamespace space, string serial, int ioQueues)
    {
        _host = host;
        _dma = new DeviceDma(host);
        _namespace = space;
        _transfer = new NvmeTransfer(_dma);
        _serial = serial;
        _ioQueues = ioQueues;
        _submissions = new NvmeSubmissionQueue?[ioQueues + 1];
        _completions = new NvmeCompletionQueue?[ioQueues + 1];
        _features = new NvmeFeatures(ioQueues);
    }

    /// <summary>The pages that were looked up for DMA.</summary>
    internal ulong Translations => _dma.Translations;

    /// <summary>The commands that were carried out.</summary>
    internal ulong Commands { get; private set; }

    /// <summary>Whether a completion queue has no room until the driver says that it has read on, or the pin waits for that.</summary>
    internal bool AwaitsHead(int queue) => Volatile.Read(ref _pin) || Volatile.Read(ref _completions[queue])?.IsFull == true;

    private bool IsServing => (_status & (NvmeRegister.Ready | NvmeRegister.Fatal)) == NvmeRegister.Ready;

    private Span<uint> Memory => MemoryMarshal.Cast<byte, uint>(_host.BarMemory(0));

    internal static int DoorbellOf(int queue, bool completion) => (NvmeRegister.Doorbells / sizeof(uint)) + (2 * queue) + (completion ? 1 : 0);

    /// <summary>Carries out some of what the doorbells announce.</summary>
    /// <param name="wanted">Not zero while somebody waits for the lock: the turn ends early.</param>
    /// <returns>Whether there was anything.</returns>
    internal bool Turn(ref int wanted)
    {
        if (!IsServing || !_host.IsBusMaster)
        {
            return false;
        }

        bool any = SendEvents() | Serve(_submissions[0]!, ref wanted);
        int queues = _submissions.Length - 1;
        for (int i = 0; i < queues && IsServing && Volatile.Read(ref wanted) == 0; i++)
        {
            int queue = 1 + ((_first + i) % queues);
            if (_submissions[queue] is { } submissions)
            {
                any |= Serve(submissions, ref wanted);
            }
        }

        _first = (_first + 1) % queues;
        SettlePin();
        return any;
    }

    /// <summary>Forgets everything, as after the power was off.</summary>
    internal void Reset()
    {
        Stop();
        _configuration = _status = _adminQueues = _mask = 0;
        _adminSubmission = _adminCompletion = 0;
    }

    private bool Serve(NvmeSubmissionQueue queue, ref int wanted)
    {
        if (!TryTail(queue, out uint tail) || tail == queue.Head)
        {
            return false;
        }

        NvmeCompletionQueue completions = queue.Completions;
        LookAtHead(completions);
        uint room = RoomOf(completions);
        uint there = Math.Min((tail > queue.Head ? tail : queue.Size) - queue.Head, FetchMost);
        int count = (int)Math.Min(there, room);
        if (count == 0)
        {
            return false;
        }

        if (!_dma.Read(queue.Iova + (queue.Head * (ulong)NvmeCommand.Bytes), _entries.AsSpan(0, count * NvmeCommand.Bytes)))
        {
            Fail();
            return true;
        }

        ReadOnlySpan<NvmeCommand> commands = MemoryMarshal.Cast<byte, NvmeCommand>(_entries);
        for (int i = 0; i < count && IsServing && (i == 0 || (Volatile.Read(ref wanted) == 0 && completions.Room != 0)); i++)
        {
            queue.Head = queue.Head + 1 == queue.Size ? 0 : queue.Head + 1;
            Execute(queue, commands[i]);
        }

        Tell(completions);
        return true;
    }

    private void Execute(NvmeSubmissionQueue queue, in NvmeCommand command)
    {
        Commands++;
        _result = 0;
        NvmeStatus status = queue.Id == 0 ? Administer(command, out bool completes) : CarryOut(command, out completes);
        if (completes)
        {
            if (status != NvmeStatus.Success)
            {
                LogError(queue.Id, command, status);
            }

            Complete(queue, command.Id, status);
        }
    }

    private void Complete(NvmeSubmissionQueue queue, ushort command, NvmeStatus status)
    {
        NvmeCompletionQueue completions = queue.Completions;
        Span<uint> words = MemoryMarshal.Cast<byte, uint>(_completion.AsSpan());
        words[0] = _result;
        words[1] = 0;
        words[2] = queue.Head | ((uint)queue.Id << 16);
        words[3] = command | (completions.Phase << 16) | (status.Field() << 17);
        ulong iova = completions.Iova + (completions.Tail * (ulong)NvmeCompletionQueue.EntryBytes);

        // The half with the phase comes second: a driver that sees it turned finds the whole entry.
        using DmaScope scope = _dma.Enter();
        bool written = _dma.Write(iova, _completion.AsSpan(0, 8));
        Fence.Writes();
        if (!written || !_dma.Write(iova + 8, _completion.AsSpan(8)))
        {
            Fail();
            return;
        }

        completions.Advance();
    }

    private void Tell(NvmeCompletionQueue queue)
    {
        if (!queue.IsNews)
        {
            return;
        }

        queue.IsNews = false;
        if (queue.Interrupts)
        {
            _host.RaiseMsi(queue.Vector);
        }
    }

    // A driver that uses messages never looks at the pin.
    private void SettlePin()
    {
        bool wanted = false;
        if (!_host.UsesMessages)
        {
            foreach (NvmeCompletionQueue? queue in _completions)
            {
                if (queue is { Interrupts: true } && (queue.Vector > 31 || (_mask & (1u << queue.Vector)) == 0))
                {
                    LookAtHead(queue);
                    wanted |= !queue.IsEmpty;
                }
            }
        }

        if (wanted != _pin)
        {
            Volatile.Write(ref _pin, wanted);
            _host.SetIntx(wanted);
        }
    }

    private bool TryTail(NvmeSubmissionQueue queue, out uint tail)
    {
        // Acquire: the commands that the driver wrote before it rang are there.
        tail = Volatile.Read(ref Memory[DoorbellOf(queue.Id, completion: false)]);
        if (tail < queue.Size)
        {
            queue.Wrong = 0;
            return true;
        }

        if (queue.Wrong != tail)
        {
            queue.Wrong = tail;
            ReportDoorbell(NvmeEvents.WrongValue);
        }

        return false;
    }

    private void LookAtHead(NvmeCompletionQueue queue)
    {
        uint head = Volatile.Read(ref Memory[DoorbellOf(queue.Id, completion: true)]);
        if (head == queue.Head)
        {
            return;
        }

        // The driver can only have read what was written.
        uint read = (head + queue.Size - queue.Head) % queue.Size;
        uint written = (queue.Tail + queue.Size - queue.Head) % queue.Size;
        if (head < queue.Size && read <= written)
        {
            queue.Head = head;
        }
        else
        {
            Memory[DoorbellOf(queue.Id, completion: true)] = queue.Head;
            ReportDoorbell(NvmeEvents.WrongValue);
        }
    }

    // Says that it waits before it looks again: a driver that reads on in between wakes it.
    private uint RoomOf(NvmeCompletionQueue queue)
    {
        if (queue.Room != 0)
        {
            queue.IsFull = false;
            return queue.Room;
        }

        queue.IsFull = true;
        Interlocked.MemoryBarrier();
        LookAtHead(queue);
        return queue.Room;
    }

    private void Fail() => _status |= NvmeRegister.Fatal;

    /// <summary>Deletes every queue and forgets what is outstanding.</summary>
    private void Stop()
    {
        Array.Clear(_submissions);
        Array.Clear(_completions);
        Span<uint> memory = Memory;
        for (int queue = 0; queue < _submissions.Length && !memory.IsEmpty; queue++)
        {
            memory[DoorbellOf(queue, completion: false)] = 0;
            memory[DoorbellOf(queue, completion: true)] = 0;
        }

        _events.Clear();
        _features.Reset();
        _status = 0;
        _mask = 0;
        _pin = false;
        _host.SetIntx(false);
    }
}
