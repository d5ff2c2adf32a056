using System.Globalization;

namespace FastIova.Cli;

/// <summary>Tells of accesses of devices that were refused: every one in the log, the first ones also to whoever watches, and at the end how many each device made.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class FaultLog(TextWriter error, EventLog log)
{
    private const int ShownLast = 10;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private long _count;

    /// <summary>One access was refused.</summary>
    internal void Add(PciAddress device, Fault fault)
    {
        string name = device.ToString();
        string line = $"fastiova: {name}: DMA refused: {fault}";
        log.WriteOfClient(
            "warning",
            "dma-refused",
            ("device", name),
            ("reason", $"{fault.Reason}"),
            ("iova", $"0x{fault.Iova:x}"),
            ("wanted", $"{fault.Wanted}"));
        lock (_lock)
        {
            _counts[name] = _counts.GetValueOrDefault(name) + 1;
            _count++;
            if (_count <= ShownLast)
            {
                error.WriteLine(line);
            }
        }
    }

    /// <summary>Says how many there were, in one line, when there were any.</summary>
    internal void Close()
    {
        lock (_lock)
        {
            if (_count != 0)
            {
                string counts = string.Join(", ", _counts.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Key}: {one.Value}")));
                error.WriteLine($"fastiova: DMA refused in all: {counts}{(_count > ShownLast ? "; --log FILE keeps each." : ".")}");
            }
        }
    }
}
