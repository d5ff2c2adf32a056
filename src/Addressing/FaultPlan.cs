namespace FastIova;

/// <summary>Which fault point of a thread shall fail; dispose it on the thread that made it.</summary>
internal sealed class FaultPlan : IDisposable
{
    private readonly ulong _nth;

    private FaultPlan(ulong nth) => _nth = nth;

    /// <summary>The points that were reached.</summary>
    internal ulong Reached { get; private set; }

    /// <summary>Whether the n-th point was reached, and failed.</summary>
    internal bool HasFailed => _nth != 0 && Reached >= _nth;

    /// <summary>The point that failed: its member and its line; nothing until one has.</summary>
    internal (string Member, int Line) Failed { get; private set; }

    /// <summary>Lets the n-th point of this thread fail.</summary>
    /// <param name="nth">Counted from one; zero counts the points and lets none fail.</param>
    /// <returns>The plan, in place of the one before.</returns>
    internal static FaultPlan Arm(ulong nth)
    {
        var plan = new FaultPlan(nth);
        FaultPoint.Install(plan);
        return plan;
    }

    /// <inheritdoc/>
    public void Dispose() => FaultPoint.Install(null);

    internal bool Reach(string member, int line)
    {
        bool fails = ++Reached == _nth;
        if (fails)
        {
            Failed = (member, line);
        }

        return fails;
    }
}
