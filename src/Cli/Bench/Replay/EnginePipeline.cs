using System.Runtime.InteropServices;

namespace FastIova.Cli;

/// <summary>The engine in a replay by two threads: a driver that maps, publishes requests to rings and unmaps, and a device that serves the rings.</summary>
/// <remarks>
/// Owns: the domains, ports and rings. One ring and one port for each device; the device thread serves them in turn.
/// The promise: before the driver unmaps it has read the completions of all that it published, and the unmap itself waits until no
/// port is inside a scope that saw the old words. Which unmaps are done together is said by <see cref="PipelinePlan"/>.
/// </remarks>
internal sealed class EnginePipeline : IDisposable
{
    private const int RingSlots = 4096;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly PipelinePlan _plan;
    private readonly EngineReplay _engine;
    private readonly TranslationRing[] _rings;
    private readonly RingProducer[] _producers;
    private readonly DmaQueue[] _queues;
    private readonly int[] _read;
    private readonly CompletionWord[] _completions = new CompletionWord[RingSlots];
    private readonly IovaSpan[][] _waiting;
    private readonly int[] _waitingCount;

    /// <param name="plan">The steps and what belongs to them.</param>
    internal EnginePipeline(PipelinePlan plan)
    {
        _plan = plan;
        _engine = new EngineReplay(plan.Program);
        int devices = plan.Program.Devices;
        _rings = new TranslationRing[devices];
        _producers = new RingProducer[devices];
        _queues = new DmaQueue[devices];
        _read = new int[devices];
        for (int i = 0; i < devices; i++)
        {
            _rings[i] = TranslationRing.Create(new TranslationRingOptions { Capacity = RingSlots });
            _producers[i] = _rings[i].AttachProducer();
            _queues[i] = _engine.Ports[i].Serve(_rings[i]);
        }

        int most = Math.Max(PipelinePlan.WaitingMost, plan.Program.Steps.Where(step => step.Kind == ReplayKind.Unmap).Select(step => step.Count).DefaultIfEmpty().Max());
        _waiting = new IovaSpan[plan.Program.Domains][];
        _waitingCount = new int[_waiting.Length];
        for (int i = 0; i < _waiting.Length; i++)
        {
            _waiting[i] = new IovaSpan[most];
        }
    }

    /// <summary>Replays the trace once, from a clean start.</summary>
    /// <returns>Nanoseconds per record.</returns>
    internal double Lap()
    {
        _engine.Clear();
        Array.Clear(_read);
        return TwoThreads.Run(Drive, ServeAll) / _plan.Program.Records;
    }

    public void Dispose()
    {
        for (int i = 0; i < _rings.Length; i++)
        {
            _queues[i].Dispose();
            _producers[i].Dispose();
            _rings[i].Dispose();
        }

        _engine.Dispose();
    }

    private int ServeAll()
    {
        int served = 0;
        foreach (DmaQueue queue in _queues)
        {
            served += queue.Process();
        }

        return served;
    }

    private ulong Drive()
    {
        ulong wrong = 0;
        ReplayStep[] steps = _plan.Program.Steps;
        for (int i = 0; i < steps.Length; i++)
        {
            ref readonly ReplayStep step = ref steps[i];
            if (_plan.FlushBefore[i])
            {
                wrong |= UnmapWaiting();
            }

            switch (step.Kind)
            {
                case ReplayKind.Translate:
                    wrong |= Publish(step.Place, _plan.Requests[step.Place].AsSpan(_plan.RequestFirst[i], step.Count));
                    break;
                case ReplayKind.Map:
                    wrong |= _engine.Map(step);
                    break;
                case ReplayKind.Unmap:
                    _plan.Program.Spans.AsSpan(step.First, step.Count).CopyTo(_waiting[step.Place].AsSpan(_waitingCount[step.Place]));
                    _waitingCount[step.Place] += step.Count;
                    break;
                default:
                    _engine.Attach(step);
                    break;
            }
        }

        return wrong | UnmapWaiting();
    }

    private ulong Publish(int device, ReadOnlySpan<RequestWord> requests)
    {
        ulong wrong = 0;
        RingProducer producer = _producers[device];
        while (!requests.IsEmpty)
        {
            int count = Math.Min(requests.Length, RingSlots / 4);
            if (producer.TryPublish(requests[..count]))
            {
                requests = requests[count..];
            }
            else
            {
                wrong |= ReadSome(device);
            }
        }

        return wrong;
    }

    private ulong UnmapWaiting()
    {
        ulong wrong = 0;
        for (int device = 0; device < _producers.Length; device++)
        {
            while (_producers[device].Outstanding != 0)
            {
                wrong |= ReadSome(device);
            }
        }

        for (int domain = 0; domain < _waiting.Length; domain++)
        {
            if (_waitingCount[domain] != 0)
            {
                wrong |= _engine.Unmap(domain, _waiting[domain].AsSpan(0, _waitingCount[domain]));
                _waitingCount[domain] = 0;
            }
        }

        return wrong;
    }

    private ulong ReadSome(int device)
    {
        int count = _producers[device].TryReadCompletions(_completions);
        if (count == 0)
        {
            return _producers[device].WaitCompletions(Patience) ? 0UL
                : throw new BenchFailureException($"The device thread answered nothing for {Patience.TotalSeconds:0} s: give the benchmark two processors.");
        }

        int first = _read[device];
        _read[device] += count;
        ReadOnlySpan<ulong> answers = MemoryMarshal.Cast<CompletionWord, ulong>(_completions.AsSpan(0, count));
        return answers.SequenceEqual(_plan.Completions[device].AsSpan(first, count)) ? 0UL : 1;
    }
}
