namespace FastIova.Cli;

/// <summary>A comparator as the replay calls it: a struct of each kind, so that the calls in its loops are direct.</summary>
/// <typeparam name="TSelf">The struct.</typeparam>
internal interface IReplayTarget<TSelf>
    where TSelf : struct, IReplayTarget<TSelf>
{
    static abstract TSelf Make();

    IComparator Whole { get; }

    bool TryMap(ulong iova, ulong host, ulong bytes, Permission permission);

    bool Unmap(ulong iova, ulong bytes);

    ulong Translate(ulong iova, Permission wanted);
}

internal readonly struct DictionaryTarget(DictionaryComparator comparator) : IReplayTarget<DictionaryTarget>
{
    public IComparator Whole => comparator;

    public static DictionaryTarget Make() => new(new DictionaryComparator());

    public bool TryMap(ulong iova, ulong host, ulong bytes, Permission permission) => comparator.TryMap(iova, host, bytes, permission);

    public bool Unmap(ulong iova, ulong bytes) => comparator.Unmap(iova, bytes);

    public ulong Translate(ulong iova, Permission wanted) => comparator.Translate(iova, wanted);
}

internal readonly struct SortedArrayTarget(SortedArrayComparator comparator) : IReplayTarget<SortedArrayTarget>
{
    public IComparator Whole => comparator;

    public static SortedArrayTarget Make() => new(new SortedArrayComparator());

    public bool TryMap(ulong iova, ulong host, ulong bytes, Permission permission) => comparator.TryMap(iova, host, bytes, permission);

    public bool Unmap(ulong iova, ulong bytes) => comparator.Unmap(iova, bytes);

    public ulong Translate(ulong iova, Permission wanted) => comparator.Translate(iova, wanted);
}

internal readonly struct IntervalTreeTarget(IntervalTreeComparator comparator) : IReplayTarget<IntervalTreeTarget>
{
    public IComparator Whole => comparator;

    public static IntervalTreeTarget Make() => new(new IntervalTreeComparator());

    public bool TryMap(ulong iova, ulong host, ulong bytes, Permission permission) => comparator.TryMap(iova, host, bytes, permission);

    public bool Unmap(ulong iova, ulong bytes) => comparator.Unmap(iova, bytes);

    public ulong Translate(ulong iova, Permission wanted) => comparator.Translate(iova, wanted);
}

internal readonly struct TwoLevelTarget(TwoLevelComparator comparator) : IReplayTarget<TwoLevelTarget>
{
    public IComparator Whole => comparator;

    public static TwoLevelTarget Make() => new(new TwoLevelComparator());

    public bool TryMap(ulong iova, ulong host, ulong bytes, Permission permission) => comparator.TryMap(iova, host, bytes, permission);

    public bool Unmap(ulong iova, ulong bytes) => comparator.Unmap(iova, bytes);

    public ulong Translate(ulong iova, Permission wanted) => comparator.Translate(iova, wanted);
}

/// <summary>Who else may touch a comparator.</summary>
internal interface IGuard
{
    static abstract void Enter(Lock guard);

    static abstract void Exit(Lock guard);
}

/// <summary>Other threads, one at a time.</summary>
internal readonly struct Locked : IGuard
{
    public static void Enter(Lock guard) => guard.Enter();

    public static void Exit(Lock guard) => guard.Exit();
}

/// <summary>Nobody. An unmap on another thread would not be safe.</summary>
internal readonly struct Unlocked : IGuard
{
    public static void Enter(Lock guard)
    {
    }

    public static void Exit(Lock guard)
    {
    }
}

/// <summary>A comparator in a replay, without regard to its kind.</summary>
internal interface IComparatorReplay : IDisposable
{
    /// <summary>What reports call it.</summary>
    string Name { get; }

    /// <summary>Takes back what the last replay left behind.</summary>
    void Clear();

    /// <summary>Replays the trace on one thread, in the order of the records.</summary>
    /// <returns>Zero when everything was right.</returns>
    ulong Run();

    /// <summary>Does a step of maps, under the lock.</summary>
    ulong Map(in ReplayStep step);

    /// <summary>Does a step of unmaps, under the lock.</summary>
    ulong Unmap(in ReplayStep step);

    /// <summary>Translates addresses of one device, under the lock.</summary>
    void Translate(int device, int first, Span<ulong> answers);

    /// <summary>Does a step that attaches or detaches.</summary>
    void Attach(in ReplayStep step);
}

/// <summary>A comparator in a replay: one for each domain, with a lock that each step takes.</summary>
/// <typeparam name="TTarget">The comparator.</typeparam>
/// <typeparam name="TGuard">Whether the lock is taken.</typeparam>
/// <remarks>
/// A step of translations takes the lock too: without it an unmap on another thread could free what a look-up is reading, so no
/// unmap could keep its promise.
/// </remarks>
internal sealed class ComparatorReplay<TTarget, TGuard> : IComparatorReplay
    where TTarget : struct, IReplayTarget<TTarget>
    where TGuard : struct, IGuard
{
    private readonly ReplayProgram _program;
    private readonly TTarget[] _targets;
    private readonly Lock[] _guards;
    private readonly int[] _domainOf;

    /// <param name="program">The steps.</param>
    internal ComparatorReplay(ReplayProgram program)
    {
        _program = program;
        _targets = new TTarget[program.Domains];
        _guards = new Lock[program.Domains];
        _domainOf = new int[program.Devices];
        for (int i = 0; i < _targets.Length; i++)
        {
            _targets[i] = TTarget.Make();
            _guards[i] = new Lock();
        }
    }

    /// <inheritdoc/>
    public string Name => _targets.Length == 0 ? "nobody" : _targets[0].Whole.Name;

    /// <inheritdoc/>
    public void Clear()
    {
        foreach (TTarget target in _targets)
        {
            _ = target.Unmap(0, 1UL << 57);
        }
    }

    /// <inheritdoc/>
    public ulong Run()
    {
        ulong wrong = 0;
        foreach (ref readonly ReplayStep step in _program.Steps.AsSpan())
        {
            switch (step.Kind)
            {
                case ReplayKind.Translate:
                    wrong |= TranslateStep(step);
                    break;
                case ReplayKind.Map:
                    wrong |= Map(step);
                    break;
                case ReplayKind.Unmap:
                    wrong |= Unmap(step);
                    break;
                default:
                    Attach(step);
                    break;
            }
        }

        return wrong;
    }

    /// <inheritdoc/>
    public ulong Map(in ReplayStep step)
    {
        TTarget target = _targets[step.Place];
        ulong hostBase = _program.Memory.Address;
        ulong wrong = 0;
        Lock guard = _guards[step.Place];
        TGuard.Enter(guard);
        foreach (ref readonly MapRange map in _program.Maps.AsSpan(step.First, step.Count))
        {
            wrong |= target.TryMap(map.Iova, hostBase + map.Offset, map.Length, map.Permission) ? 0UL : 1;
        }

        TGuard.Exit(guard);
        return wrong;
    }

    /// <inheritdoc/>
    public ulong Unmap(in ReplayStep step)
    {
        TTarget target = _targets[step.Place];
        ulong wrong = 0;
        Lock guard = _guards[step.Place];
        TGuard.Enter(guard);
        foreach (ref readonly IovaSpan span in _program.Spans.AsSpan(step.First, step.Count))
        {
            wrong |= target.Unmap(span.First, span.LengthLessOne + 1) ? 0UL : 1;
        }

        TGuard.Exit(guard);
        return wrong;
    }

    /// <inheritdoc/>
    public void Translate(int device, int first, Span<ulong> answers)
    {
        int domain = _domainOf[device];
        TTarget target = _targets[domain];
        ReadOnlySpan<ulong> iovas = _program.Iovas.AsSpan(first, answers.Length);
        ReadOnlySpan<Permission> access = _program.Access.AsSpan(first, answers.Length);
        Lock guard = _guards[domain];
        TGuard.Enter(guard);
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = target.Translate(iovas[i], access[i]);
        }

        TGuard.Exit(guard);
    }

    /// <inheritdoc/>
    public void Attach(in ReplayStep step)
    {
        if (step.Kind == ReplayKind.Attach)
        {
            _domainOf[step.Place] = step.First;
        }
    }

    public void Dispose()
    {
        foreach (TTarget target in _targets)
        {
            target.Whole.Dispose();
        }
    }

    private ulong TranslateStep(in ReplayStep step)
    {
        int domain = _domainOf[step.Place];
        TTarget target = _targets[domain];
        ReadOnlySpan<ulong> iovas = _program.Iovas.AsSpan(step.First, step.Count);
        ReadOnlySpan<ulong> hosts = _program.Hosts.AsSpan(step.First, step.Count);
        ReadOnlySpan<Permission> access = _program.Access.AsSpan(step.First, step.Count);
        ulong wrong = 0;
        Lock guard = _guards[domain];
        TGuard.Enter(guard);
        for (int i = 0; i < iovas.Length; i++)
        {
            wrong |= target.Translate(iovas[i], access[i]) ^ hosts[i];
        }

        TGuard.Exit(guard);
        return wrong;
    }
}
