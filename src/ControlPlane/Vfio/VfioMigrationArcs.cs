namespace FastIova;

/// <summary>How a device gets from one state of migration to another: one step at a time, each of which it knows.</summary>
/// <remarks>
/// The ways are those that Linux takes for devices with every optional state:
/// <code>
/// RUNNING -- RUNNING_P2P -- STOP -- RESUMING
///    |            |           |
/// PRE_COPY - PRE_COPY_P2P -> STOP_COPY
/// </code>
/// From STOP_COPY the way leads to STOP alone; nothing leads out of ERROR, or into it.
/// </remarks>
internal static class VfioMigrationArcs
{
    /// <summary>The next state on the way.</summary>
    /// <param name="from">Where the device is.</param>
    /// <param name="to">Where it is to go; another state.</param>
    /// <param name="next">The next state; meaningless when there is no way.</param>
    /// <returns>False when there is no way.</returns>
    internal static bool TryStep(VfioMigrationState from, VfioMigrationState to, out VfioMigrationState next)
    {
        bool precopies = to is VfioMigrationState.PreCopy or VfioMigrationState.PreCopyP2P;
        next = from switch
        {
            VfioMigrationState.Stop when to is VfioMigrationState.StopCopy or VfioMigrationState.Resuming => to,
            VfioMigrationState.Stop => VfioMigrationState.RunningP2P,
            VfioMigrationState.Running when to == VfioMigrationState.PreCopy => to,
            VfioMigrationState.Running => VfioMigrationState.RunningP2P,
            VfioMigrationState.PreCopy when to is VfioMigrationState.PreCopyP2P or VfioMigrationState.StopCopy => VfioMigrationState.PreCopyP2P,
            VfioMigrationState.PreCopy => VfioMigrationState.Running,
            VfioMigrationState.PreCopyP2P when to is VfioMigrationState.PreCopy or VfioMigrationState.StopCopy => to,
            VfioMigrationState.PreCopyP2P => VfioMigrationState.RunningP2P,
            VfioMigrationState.StopCopy when precopies => VfioMigrationState.Error,
            VfioMigrationState.StopCopy or VfioMigrationState.Resuming => VfioMigrationState.Stop,
            VfioMigrationState.RunningP2P when to is VfioMigrationState.Running or VfioMigrationState.PreCopyP2P => to,
            VfioMigrationState.RunningP2P when to == VfioMigrationState.PreCopy => VfioMigrationState.Running,
            VfioMigrationState.RunningP2P => VfioMigrationState.Stop,
            _ => VfioMigrationState.Error,
        };
        return next != VfioMigrationState.Error && to is > VfioMigrationState.Error and <= VfioMigrationState.PreCopyP2P;
    }
}
