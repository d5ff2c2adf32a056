namespace FastIova;

/// <summary>What can reset a device alone.</summary>
internal enum VfioResetKind
{
    /// <summary>The function itself, when its model says that it can.</summary>
    Function,

    /// <summary>The bridge before it, when nothing else is behind that.</summary>
    Bus,

    /// <summary>Nothing.</summary>
    None,
}
