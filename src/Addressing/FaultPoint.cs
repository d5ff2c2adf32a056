using System.Runtime.CompilerServices;

namespace FastIova;

/// <summary>A step that can fail, where a test can make it fail: the n-th that the current thread reaches.</summary>
/// <remarks>
/// Invariant: a step asks before it changes anything that its caller could not undo.
/// Threads: a plan belongs to the thread that armed it; the others pass every point.
/// </remarks>
internal static class FaultPoint
{
    private static int _armed;

    [ThreadStatic]
    private static FaultPlan? _plan;

    /// <summary>Whether the step that asks shall fail, as if memory had run out.</summary>
    /// <param name="member">Where the step is, for tests that want every one reached; nobody says it.</param>
    /// <param name="line">The same.</param>
    /// <returns>False unless a plan of this thread says so: one load and a branch.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool Fails([CallerMemberName] string member = "", [CallerLineNumber] int line = 0) => Volatile.Read(ref _armed) != 0 && FailsHere(member, line);

    internal static void Install(FaultPlan? plan)
    {
        Interlocked.Add(ref _armed, (plan is null ? 0 : 1) - (_plan is null ? 0 : 1));
        _plan = plan;
    }

    private static bool FailsHere(string member, int line) => _plan is { } plan && plan.Reach(member, line);
}
