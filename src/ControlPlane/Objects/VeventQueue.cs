using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A queue of the events of one type that a virtual IOMMU has for its user.</summary>
/// <remarks>
/// <para>Invariants. V1: events are read in the order in which they came, each with its number; a lost one has a number, too. V2: at
/// most <see cref="_depth"/> events wait. V3: when the last event was lost, a header that says so stands at the end; the
/// next event takes its place, as the gap in the numbers tells the same.</para>
/// <para>Threads: any. The lock is held while an event is copied to the reader. It is a user of its virtual IOMMU.</para>
/// </remarks>
internal sealed class VeventQueue : EventQueue
{
    /// <summary>The most events that a queue may let wait (VEVENTQ_MAX_DEPTH).</summary>
    internal const uint DepthLast = 1 << 19;

    private const uint LostEvents = 1; // IOMMU_VEVENTQ_FLAG_LOST_EVENTS
    private const uint SequenceMask = int.MaxValue;
    private static readonly ulong HeaderBytes = (ulong)Marshal.SizeOf<VeventHeader>();

    private readonly Lock _lock = new();
    private readonly ViommuObject _viommu;
    private readonly uint _depth;
    private readonly Queue<(uint Sequence, byte[] Data)> _waiting = new();
    private uint _sequence;
    private uint? _lost;

    private VeventQueue(ViommuObject viommu, uint type, uint depth)
        : base(viommu.Context, ObjectKind.VirtualEventQueue)
    {
        _viommu = viommu;
        _depth = depth;
        Type = type;
    }

    /// <summary>Which events it takes.</summary>
    internal uint Type { get; }

    internal override bool HasWaiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count != 0 || _lost is not null;
            }
        }
    }

    /// <summary>Makes an empty one with its file, reserved; it takes events at once.</summary>
    /// <param name="viommu">Held by the caller.</param>
    /// <param name="type">Which events.</param>
    /// <param name="depth">How many may wait.</param>
    /// <param name="queue">To be published or aborted, on success.</param>
    /// <returns><see cref="Errno.AlreadyExists"/> when the virtual IOMMU has one of the type.</returns>
    internal static Errno Create(ViommuObject viommu, uint type, uint depth, out VeventQueue? queue)
    {
        queue = null;
        var newcomer = new VeventQueue(viommu, type, depth);
        Errno errno = viommu.Context.Objects.Reserve(newcomer);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (FaultPoint.Fails())
        {
            viommu.Context.Objects.Forget(newcomer);
            return Errno.OutOfMemory;
        }

        // With its file: events may come as soon as it is known.
        newcomer.OpenFile();
        if (!viommu.TryAdd(newcomer))
        {
            newcomer.File.Close();
            viommu.Context.Objects.Forget(newcomer);
            return Errno.AlreadyExists;
        }

        viommu.AddUser();
        queue = newcomer;
        return Errno.Success;
    }

    /// <summary>Takes an event, or counts it as lost; whoever reports it wakes the file afterwards.</summary>
    /// <returns><see cref="Errno.OutOfMemory"/> when it was lost although there was room.</returns>
    internal Errno Add(ReadOnlySpan<byte> data)
    {
        bool hasMemory = !FaultPoint.Fails();
        lock (_lock)
        {
            _lost = null;
            if (hasMemory && (uint)_waiting.Count < _depth)
            {
                _waiting.Enqueue((_sequence, data.ToArray()));
            }
            else
            {
                _lost = _sequence;
            }

            _sequence = (_sequence + 1) & SequenceMask;
        }

        return hasMemory ? Errno.Success : Errno.OutOfMemory;
    }

    internal override long Deliver(MemorySpace memory, ulong buffer, ulong room)
    {
        if (room < HeaderBytes)
        {
            return -(long)Errno.Invalid;
        }

        ulong done = 0;
        Errno errno = Errno.Success;
        lock (_lock)
        {
            while (errno == Errno.Success && room - done >= HeaderBytes)
            {
                if (_waiting.TryPeek(out (uint Sequence, byte[] Data) next))
                {
                    ulong bytes = HeaderBytes + (ulong)next.Data.Length;
                    errno = bytes > room - done ? Errno.Invalid : Copy(memory, buffer + done, 0, next.Sequence, next.Data);
                    if (errno == Errno.Success)
                    {
                        _waiting.Dequeue();
                        done += bytes;
                    }
                }
                else if (_lost is { } lost)
                {
                    errno = FaultPoint.Fails() ? Errno.OutOfMemory : Copy(memory, buffer + done, LostEvents, lost, []);
                    if (errno == Errno.Success)
                    {
                        _lost = null;
                        done += HeaderBytes;
                    }
                }
                else
                {
                    break;
                }
            }
        }

        return done == 0 ? -(long)errno : (long)done;
    }

    internal override void Destroy()
    {
        _viommu.Remove(this);
        _viommu.RemoveUser();
    }

    private static Errno Copy(MemorySpace memory, ulong buffer, uint flags, uint sequence, ReadOnlySpan<byte> data)
    {
        var header = new VeventHeader { Flags = flags, Sequence = sequence };
        return memory.TryWrite(buffer, MemoryMarshal.AsBytes(new ReadOnlySpan<VeventHeader>(in header))) && (data.IsEmpty || memory.TryWrite(buffer + HeaderBytes, data))
            ? Errno.Success
            : Errno.BadAddress;
    }
}
