namespace FastIova;

/// <summary>What a door is made of.</summary>
/// <remarks>Threads: immutable; <see cref="OnEvent"/> is called by any.</remarks>
internal sealed record DoorOptions
{
    /// <summary>The path where programs connect; null for a place of its own that only children of this process know.</summary>
    internal string? Socket { get; init; }

    /// <summary>A socket that listens at the path already, and stays there; the door's from now on. Null to make one.</summary>
    internal UnixSocket? Listener { get; init; }

    /// <summary>What each client may have locked, in pages; null for the limit of its process.</summary>
    internal long? LockLimitPages { get; init; }

    /// <summary>What clients may have.</summary>
    internal DoorLimits Limits { get; init; } = new();

    /// <summary>Whether the fault injection files of the kernel's tests are offered.</summary>
    internal bool OffersFaults { get; init; }

    /// <summary>Whether the view of programs has devices: the shim then takes their files from there.</summary>
    internal bool ShowsDevices { get; init; }

    /// <summary>Is told what happens; null for nobody.</summary>
    internal Action<DoorEvent>? OnEvent { get; init; }
}
