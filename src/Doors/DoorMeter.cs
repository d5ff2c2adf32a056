using System.Diagnostics.Metrics;
using System.Globalization;

namespace FastIova;

/// <summary>The instruments of the doors of this process: clients, their files and pins, and what limits refused.</summary>
/// <remarks>Threads: any.</remarks>
internal static class DoorMeter
{
    private static readonly Lock Gate = new();
    private static readonly List<ProgramDoor> Doors = [];

    static DoorMeter()
    {
        Meter meter = IommuMeter.Instance;
        meter.CreateObservableGauge("fastiova.clients", static () => Open().Sum(door => (long)door.ClientCount), "{client}", "Programs that are connected.");
        meter.CreateObservableCounter("fastiova.clients_welcomed", static () => Open().Sum(door => door.Welcomed.Count), "{client}", "Programs that have connected.");
        meter.CreateObservableCounter("fastiova.clients_disconnected", static () => Open().Sum(door => door.Disconnected.Count), "{client}", "Clients that the engine has ended because they broke the protocol or met a defect.");
        meter.CreateObservableGauge("fastiova.files", static () => Open().Sum(door => (long)door.Files.Count), "{file}", "Files that clients hold.");
        meter.CreateObservableGauge("fastiova.rings", static () => Open().Sum(door => (long)door.RingCount), "{ring}", "Rings that are served to other processes.");
        meter.CreateObservableGauge("fastiova.client.pinned", Pinned, "By", "What is pinned of the memory of each client.");
        meter.CreateObservableCounter("fastiova.limit_refusals", Refusals, "{refusal}", "What clients were refused because of a limit of the service.");
    }

    internal static void Add(ProgramDoor door)
    {
        lock (Gate)
        {
            Doors.Add(door);
        }
    }

    internal static void Remove(ProgramDoor door)
    {
        lock (Gate)
        {
            Doors.Remove(door);
        }
    }

    private static ProgramDoor[] Open()
    {
        lock (Gate)
        {
            return [.. Doors];
        }
    }

    private static IEnumerable<Measurement<long>> Pinned() =>
        [.. Open().SelectMany(door => door.Clients).Select(client => new Measurement<long>(
            client.Memory.Tally.PinnedPages << Frame.PageLg2,
            new KeyValuePair<string, object?>("client", client.Process.Id.ToString(CultureInfo.InvariantCulture))))];

    private static Measurement<long>[] Refusals()
    {
        ProgramDoor[] doors = Open();
        return
        [
            Refused("clients", limits => limits.ClientsRefused),
            Refused("calls", limits => limits.CallsRefused),
            Refused("files", limits => limits.FilesRefused),
            Refused("objects", limits => limits.ObjectsRefused),
            Refused("mappings", limits => limits.MappingsRefused),
            Refused("pinned", limits => limits.PinsRefused),
            Refused("rings", limits => limits.RingsRefused),
            Refused("refusals", limits => limits.RefusalsDelayed),
        ];

        Measurement<long> Refused(string limit, Func<DoorLimits, EventCount> count) =>
            new(doors.Sum(door => count(door.Limits).Count), new KeyValuePair<string, object?>("limit", limit));
    }
}
