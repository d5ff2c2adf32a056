namespace FastIova.Cli;

/// <summary>A comparator in a replay by two threads under one lock for each domain.</summary>
/// <remarks>
/// Between the threads lie the lists of the program and two numbers, how many translations were asked for and how many are answered:
/// nothing less will do, so the comparator is not charged for a queue. The device thread translates as much as is there,
/// at most 256 under one hold of the lock. Unmaps are gathered as the engine's are.
/// </remarks>
internal sealed class ComparatorPipeline
{
    private const int BatchMost = 256;

    private readonly PipelinePlan _plan;
    private readonly IComparatorReplay _comparator;
    private readonly int[] _deviceOf;
    private readonly ulong[] _answers;
    private readonly int[] _waiting;
    private PaddedWord _asked;
    private PaddedWord _answered;
    private int _waitingCount;
    private int _checked;

    /// <param name="plan">The steps and what belongs to them.</param>
    /// <param name="comparator">Under a lock.</param>
    internal ComparatorPipeline(PipelinePlan plan, IComparatorReplay comparator)
    {
        _plan = plan;
        _comparator = comparator;
        _deviceOf = new int[plan.Program.Access.Length];
        _answers = new ulong[_deviceOf.Length];
        _waiting = new int[PipelinePlan.WaitingMost + 1];
        foreach (ReplayStep step in plan.Program.Steps.Where(step => step.Kind == ReplayKind.Translate))
        {
            _deviceOf.AsSpan(step.First, step.Count).Fill(step.Place);
        }
    }

    /// <summary>Replays the trace once, from a clean start.</summary>
    /// <returns>Nanoseconds per record.</returns>
    internal double Lap()
    {
        _comparator.Clear();
        Array.Clear(_answers);
        _asked.Value = 0;
        _answered.Value = 0;
        _checked = 0;
        return TwoThreads.Run(Drive, Serve) / _plan.Program.Records;
    }

    private int Serve()
    {
        int first = (int)_answered.Value;
        int most = Math.Min((int)Volatile.Read(ref _asked.Value) - first, BatchMost);
        int count = 0;
        while (count < most && _deviceOf[first + count] == _deviceOf[first])
        {
            count++;
        }

        if (count != 0)
        {
            _comparator.Translate(_deviceOf[first], first, _answers.AsSpan(first, count));
            Volatile.Write(ref _answered.Value, (ulong)(first + count));
        }

        return count;
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
                    Volatile.Write(ref _asked.Value, (ulong)(step.First + step.Count));
                    break;
                case ReplayKind.Map:
                    wrong |= _comparator.Map(step);
                    break;
                case ReplayKind.Unmap:
                    _waiting[_waitingCount++] = i;
                    break;
                default:
                    _comparator.Attach(step);
                    break;
            }
        }

        return wrong | UnmapWaiting();
    }

    private ulong UnmapWaiting()
    {
        var spin = new SpinWait();
        while (Volatile.Read(ref _answered.Value) != _asked.Value)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        int asked = (int)_asked.Value;
        ulong wrong = _answers.AsSpan(_checked, asked - _checked).SequenceEqual(_plan.Program.Hosts.AsSpan(_checked, asked - _checked)) ? 0UL : 1;
        _checked = asked;
        foreach (int waiting in _waiting.AsSpan(0, _waitingCount))
        {
            wrong |= _comparator.Unmap(_plan.Program.Steps[waiting]);
        }

        _waitingCount = 0;
        return wrong;
    }
}
