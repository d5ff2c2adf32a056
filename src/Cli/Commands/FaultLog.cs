namespace FastIova.Cli;

/// <summary>Tells of accesses of devices that were refused: every one in the log, the first ones also to whoever watches, then their number.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class FaultLog(TextWriter error, EventLog log)
{
    private const int ShownLast = 10;

    private readonly Lock _lock = new();
    private long _count;

    /// <summary>One access was refused.</summary>
    internal void Add(PciAddress device, Fault fault)
    {
        string line = $"fastiova: {device}: DMA refused: {fault}";
        log.Write(
            "warning",
            "dma-refused",
            ("device", $"{device}"),
            ("reason", $"{fault.Reason}"),
            ("iova", $"0x{fault.Iova:x}"),
            ("wanted", $"{fault.Wanted}"));
        lock (_lock)
        {
            _count++;
            if (_count <= ShownLast)
            {
                error.WriteLine(line);
            }
        }
    }

    /// <summary>Says how many there were, when not all were shown.</summary>
    internal void Close()
    {
        lock (_lock)
        {
            if (_count > ShownLast)
            {
                error.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"fastiova: {_count} accesses of devices were refused; --log FILE keeps each."));
            }
        }
    }
}
