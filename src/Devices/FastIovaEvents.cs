using System.Diagnostics.Tracing;

namespace FastIova;

/// <summary>The event source "FastIova": the counters of the process for tools that poll them, and what goes wrong as it happens.</summary>
/// <remarks>Threads: any. Without a listener an event costs one look at a flag, on paths that have failed already.</remarks>
[EventSource(Name = "FastIova")]
internal sealed class FastIovaEvents : EventSource
{
    /// <summary>The one of this process.</summary>
    internal static readonly FastIovaEvents Log = new();

    private readonly Lock _making = new();
    private List<DiagnosticCounter>? _counters;

    private FastIovaEvents()
    {
    }

    /// <summary>An access failed.</summary>
    [Event(1, Level = EventLevel.Verbose, Message = "{0} at IOVA {1}, port {2}")]
    public void Fault(string reason, long iova, string port)
    {
        if (IsEnabled(EventLevel.Verbose, EventKeywords.None))
        {
            WriteEvent(1, reason, iova, port);
        }
    }

    /// <summary>A reader keeps an unmap waiting.</summary>
    [Event(2, Level = EventLevel.Warning, Message = "Port {0} has kept an unmap waiting for {1} s")]
    public void StuckReader(string port, double seconds)
    {
        if (IsEnabled(EventLevel.Warning, EventKeywords.None))
        {
            WriteEvent(2, port, seconds);
        }
    }

    /// <inheritdoc/>
    protected override void OnEventCommand(EventCommandEventArgs command)
    {
        if (command.Command != EventCommand.Enable)
        {
            return;
        }

        lock (_making)
        {
            _counters ??=
            [
                Rate("lookups", "Look-ups", static counts => counts.Tally.Lookups),
                Rate("walks", "Look-ups that walked", static counts => counts.Tally.Walks + counts.Tally.SingleWalks),
                Rate("accesses", "Accesses of devices", static counts => counts.Tally.Accesses),
                Rate("faults", "Accesses that failed", static counts => counts.Tally.Faults()),
                Rate("maps", "Ranges mapped", static counts => counts.Maps),
                Rate("unmaps", "Ranges unmapped", static counts => counts.Unmaps),
                new PollingCounter("hit-ratio", this, static () => IommuMeter.HitRatio(IommuMeter.Read().Tally)) { DisplayName = "Hit ratio" },
                new PollingCounter("mapped", this, static () => IommuMeter.Read().MappedBytes) { DisplayName = "Mapped", DisplayUnits = "B" },
                new PollingCounter("ports", this, static () => IommuMeter.Read().Readers) { DisplayName = "Open ports" },
            ];
        }
    }

    private IncrementingPollingCounter Rate(string name, string display, Func<EpochCounts, double> value) =>
        new(name, this, () => value(IommuMeter.Read())) { DisplayName = display };
}
