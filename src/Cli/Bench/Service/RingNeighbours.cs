using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace FastIova.Cli;

/// <summary>A client that translates through a ring of a service, and beside it nobody, or another one: honest, or hostile.</summary>
/// <remarks>
/// Owns: an engine, its door and both clients, which are threads of this process and use nothing but what the door gives them.
/// Threads: the measuring one, and one for the neighbour while it measures.
/// </remarks>
internal sealed class RingNeighbours : IDisposable
{
    private const int Batch = 256;
    private const ulong Bytes = 1 << 20;
    private const ulong Iova = 0x10_0000;
    private const int RingsLast = 4;

    private readonly Engine _engine = new();
    private readonly ProgramDoor _door;
    private readonly HostMemory _memory = HostMemory.Allocate(Bytes);
    private readonly ServedRing _good;
    private readonly RingProducer _producer;
    private readonly Descriptor _neighbourFile;
    private readonly IoasId _neighbourIoas;
    private readonly List<Descriptor> _files = [];
    private readonly ulong[] _iovas = [.. Enumerable.Range(0, Batch).Select(i => Iova + ((ulong)i * 4096))];
    private readonly CompletionWord[] _answers = new CompletionWord[Batch];
    private Exception? _defect;
    private volatile bool _stop;

    internal RingNeighbours()
    {
        var limits = new DoorLimits { Refusals = LimitArguments.RefusalsDefault, Client = new DoorShare { Rings = RingsLast } };
        _door = new ProgramDoor(new DeviceNodes(_engine).Open, new DoorOptions { Limits = limits }, defect => _defect = defect);
        Descriptor file = Open(limits, out IoasId ioas);
        _neighbourFile = Open(limits, out _neighbourIoas);
        _good = Ring(file, ioas);
        _producer = _good.Ring.AttachProducer();
    }

    /// <summary>What leads another process to the service.</summary>
    internal string Door => _door.Variable;

    /// <summary>How often somebody had to wait to be refused.</summary>
    internal long RefusalsDelayed => _door.Limits.RefusalsDelayed.Count;

    /// <summary>Has batches translated beside a neighbour.</summary>
    /// <param name="time">For how long: many time slices of the scheduler, or each measurement would be of one way to share the processors.</param>
    /// <param name="isHostile">What the neighbour is.</param>
    /// <returns>Nanoseconds for a request.</returns>
    internal double Beside(TimeSpan time, bool isHostile)
    {
        // What the neighbour before has left is no part of what this one costs.
        SpinWait.SpinUntil(() => _door.RingCount == 1);
        using var ready = new ManualResetEventSlim();
        _stop = false;
        var neighbour = new Thread(() =>
        {
            try
            {
                if (isHostile)
                {
                    Harass(ready);
                }
                else
                {
                    Translate(ready);
                }
            }
            catch (Exception defect) when (defect is IOException or InvalidOperationException or BenchFailureException or IommufdException)
            {
                _defect = defect;
                ready.Set();
            }
        });
        neighbour.Start();
        ready.Wait();
        double each = Translate(time);
        _stop = true;
        neighbour.Join();
        ThrowIfDefect();
        return each;
    }

    /// <summary>Has batches translated.</summary>
    /// <param name="time">For how long.</param>
    /// <returns>Nanoseconds for a request.</returns>
    internal double Translate(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        long batches = 0;
        TimeSpan elapsed;
        do
        {
            Answer(_producer, _answers);
            batches++;
            elapsed = Stopwatch.GetElapsedTime(start);
        }
        while (elapsed < time);

        ThrowIfDefect();
        return elapsed.TotalNanoseconds / ((double)batches * Batch);
    }

    public void Dispose()
    {
        _producer.Dispose();
        _good.Dispose();
        _files.ForEach(file => file.Dispose());
        _door.Dispose();
        _engine.Dispose();
        _memory.Dispose();
    }

    private void ThrowIfDefect()
    {
        if (_defect is not null)
        {
            throw new BenchFailureException($"The service has a defect: {_defect}");
        }
    }

    private Descriptor Open(DoorLimits limits, out IoasId ioas)
    {
        Quotas quotas = limits.OfClient(limits.OfUser());
        var context = (IommufdContext)_engine.Open(EngineNode.Iommu, quotas);
        ioas = context.AllocateIoas();
        context.MapAt(ioas, Iova, _memory.Address, Bytes, Permission.ReadWrite);
        _ = quotas.Files.TryTake(1);
        _door.Files.Add(context, quotas.Files, opener: null, out Descriptor far);
        _files.Add(far);
        return far;
    }

    private ServedRing Ring(Descriptor file, IoasId ioas) => ServedRing.Open(file.Number, ioas.Number, new ServedRingOptions { Door = _door.Variable });

    private void Translate(ManualResetEventSlim ready)
    {
        using ServedRing ring = Ring(_neighbourFile, _neighbourIoas);
        using RingProducer producer = ring.Ring.AttachProducer();
        var answers = new CompletionWord[Batch];
        while (!_stop)
        {
            Answer(producer, answers);
            ready.Set();
        }
    }

    private void Harass(ManualResetEventSlim ready)
    {
        var random = new Random(1);
        var rings = new List<ServedRing>();
        byte[] nonsense = new byte[RingHeader.SlotsOffset + (4096 * sizeof(ulong))];
        for (int turn = 0; !_stop; turn++)
        {
            try
            {
                rings.Add(Ring(_neighbourFile, _neighbourIoas));
            }
            catch (IommufdException)
            {
                // It has enough of them: what follows is what it does with those it has.
            }

            // All of a ring's memory is its client's to write: constants, positions, bells and slots.
            random.NextBytes(nonsense);
            ServedRing victim = rings[turn % rings.Count];
            using (SafeFileHandle memory = File.OpenHandle($"/proc/self/fd/{victim.Ring.FileDescriptor}", FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            {
                RandomAccess.Write(memory, nonsense, 0);
            }

            victim.Ring.Memory.RequestBell.Ring();
            if (turn > RingsLast)
            {
                ready.Set();
            }
        }

        rings.ForEach(ring => ring.Dispose());
    }

    private void Answer(RingProducer producer, CompletionWord[] answers)
    {
        producer.TryPublish(_iovas, Permission.Read);
        for (int read = 0; read < Batch;)
        {
            producer.WaitCompletions(Timeout.InfiniteTimeSpan);
            read += producer.TryReadCompletions(answers.AsSpan(read));
        }

        if (answers[^1].HostAddress != _memory.Address + (_iovas[^1] - Iova))
        {
            throw new BenchFailureException($"IOVA 0x{_iovas[^1]:x} was answered with {answers[^1]}: no time is reported for wrong answers.");
        }
    }
}
