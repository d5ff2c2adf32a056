namespace FastIova;

/// <summary>What a door lets clients have; nothing is limited unless it says so.</summary>
/// <remarks>Threads: immutable, but for the counts of refusals.</remarks>
internal sealed record DoorLimits
{
    /// <summary>Clients of one process: a program has one, and for a moment the one of the program before.</summary>
    internal long ProcessClients { get; init; } = long.MaxValue;

    /// <summary>Clients of one user.</summary>
    internal long UserClients { get; init; } = long.MaxValue;

    /// <summary>Threads of the engine that serve calls for one user, those included whose program has ended in a call that has not.</summary>
    internal long UserCalls { get; init; } = long.MaxValue;

    /// <summary>How many calls a second a client is refused in the long run, and how many connections a user, before the answers wait while others are there.</summary>
    internal long Refusals { get; init; } = long.MaxValue;

    /// <summary>How many rings of a client weigh as a thread each where processors are scarce; all together weigh no more, however many there are.</summary>
    internal int FullRings { get; init; } = Environment.ProcessorCount;

    /// <summary>What one client may have.</summary>
    internal DoorShare Client { get; init; } = new();

    /// <summary>What all clients of a user may have together.</summary>
    internal DoorShare User { get; init; } = new();

    /// <summary>What was refused, by what it was.</summary>
    internal EventCount ClientsRefused { get; } = new();

    /// <inheritdoc cref="ClientsRefused"/>
    internal EventCount CallsRefused { get; } = new();

    /// <inheritdoc cref="ClientsRefused"/>
    internal EventCount FilesRefused { get; } = new();

    /// <inheritdoc cref="ClientsRefused"/>
    internal EventCount ObjectsRefused { get; } = new();

    /// <inheritdoc cref="ClientsRefused"/>
    internal EventCount MappingsRefused { get; } = new();

    /// <inheritdoc cref="ClientsRefused"/>
    internal EventCount PinsRefused { get; } = new();

    /// <inheritdoc cref="ClientsRefused"/>
    internal EventCount RingsRefused { get; } = new();

    /// <summary>The refusals that had to wait for their answer.</summary>
    internal EventCount RefusalsDelayed { get; } = new();

    /// <summary>The quotas of a user, which those of its clients are parts of.</summary>
    internal Quotas OfUser() => Of(User, null);

    /// <summary>The quotas of a client.</summary>
    internal Quotas OfClient(Quotas user) => Of(Client, user);

    /// <summary>How fast somebody is refused.</summary>
    internal RefusalPace NewPace() => new(Refusals, RefusalsDelayed);

    private Quotas Of(DoorShare share, Quotas? above) => new(
        new Quota(share.Files, above?.Files, FilesRefused),
        new Quota(share.Objects, above?.Objects, ObjectsRefused),
        new Quota(share.Mappings, above?.Mappings, MappingsRefused),
        new Quota(share.PinnedPages, above?.Pins, PinsRefused),
        new Quota(share.Rings, above?.Rings, RingsRefused));
}

/// <summary>How much one client, or one user, may have.</summary>
/// <remarks>Threads: immutable.</remarks>
internal sealed record DoorShare
{
    /// <summary>Open files.</summary>
    internal long Files { get; init; } = long.MaxValue;

    /// <summary>Objects of contexts.</summary>
    internal long Objects { get; init; } = long.MaxValue;

    /// <summary>Areas of ioases.</summary>
    internal long Mappings { get; init; } = long.MaxValue;

    /// <summary>Pinned pages of 4 KiB.</summary>
    internal long PinnedPages { get; init; } = long.MaxValue;

    /// <summary>Rings that are served.</summary>
    internal long Rings { get; init; } = long.MaxValue;
}
