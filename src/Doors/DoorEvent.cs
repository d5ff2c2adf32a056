namespace FastIova;

/// <summary>What happens at a door.</summary>
internal enum DoorEventKind
{
    /// <summary>A program has connected.</summary>
    Welcomed,

    /// <summary>A program was refused: its user has as many clients as it may.</summary>
    Refused,

    /// <summary>A client has gone: its process has ended, or another program has taken its place.</summary>
    Left,

    /// <summary>The engine has ended a client that broke the protocol or met a defect.</summary>
    Disconnected,

    /// <summary>The engine has a defect.</summary>
    Defect,
}

/// <summary>Something that happened at a door, for a log.</summary>
/// <param name="Kind">What.</param>
/// <param name="Process">The process of the client; zero when it concerns none.</param>
/// <param name="User">Its user, as the kernel says.</param>
/// <param name="Text">What else there is to say; empty when nothing is.</param>
internal readonly record struct DoorEvent(DoorEventKind Kind, int Process, uint User, string Text);
