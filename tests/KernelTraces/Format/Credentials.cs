namespace FastIova.KernelTraces;

/// <summary>As whom a trace was recorded.</summary>
/// <param name="UserId">The user; 0 is root with every capability.</param>
/// <param name="LockLimitBytes">RLIMIT_MEMLOCK, or null to leave it as it is.</param>
internal sealed record Credentials(uint UserId, long? LockLimitBytes)
{
    internal static Credentials Root { get; } = new(0, null);

    /// <summary>A user without rights who may lock 1 MiB.</summary>
    internal static Credentials Limited { get; } = new(1000, 1 << 20);
}
