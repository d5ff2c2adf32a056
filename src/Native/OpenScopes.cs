namespace FastIova;

/// <summary>How many scopes the calling thread has entered through the C interface: what would wait for them is refused.</summary>
/// <remarks>Threads: each has a count of its own, which is why a scope is left by the thread that entered it.</remarks>
internal static class OpenScopes
{
    [ThreadStatic]
    private static int _count;

    internal static bool Any => _count != 0;

    internal static void Entered() => _count++;

    internal static void Left() => _count--;

    /// <summary>What a call answers that would wait for the thread that makes it.</summary>
    internal static int Deadlock() => Refusal.Because(
        Errno.Deadlock,
        "This thread is inside a scope, for whose end the call would wait: leave it first (fi_scope_leave).");
}
