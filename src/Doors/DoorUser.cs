namespace FastIova;

/// <summary>One user of the machine as far as a door is concerned: its clients, and what they have together.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class DoorUser(DoorLimits limits)
{
    /// <summary>What its clients may have together.</summary>
    internal Quotas Quotas { get; } = limits.OfUser();

    /// <summary>Its clients, until the last thread that serves them has left.</summary>
    internal Quota Clients { get; } = new(limits.UserClients, null, limits.ClientsRefused);

    /// <summary>The threads that serve its calls.</summary>
    internal Quota Calls { get; } = new(limits.UserCalls, null, limits.CallsRefused);

    /// <summary>How fast its connections are refused.</summary>
    internal RefusalPace Refusals { get; } = limits.NewPace();
}
