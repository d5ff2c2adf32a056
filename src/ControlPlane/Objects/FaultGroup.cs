namespace FastIova;

/// <summary>Page requests that are delivered and answered together.</summary>
/// <param name="Device">Who asked.</param>
/// <param name="Handle">Through which attachment.</param>
/// <param name="Faults">The requests in order; the last one ends the group.</param>
internal sealed record FaultGroup(HardwareDevice Device, AttachHandle Handle, IReadOnlyList<PageFault> Faults)
{
    /// <summary>Tells the device.</summary>
    internal void Answer(PageResponseCode code) => Device.Respond(Faults[^1], code);
}
