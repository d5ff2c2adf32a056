namespace FastIova;

/// <summary>What a device model acts through: memory, interrupts, and the bus that sees its faults.</summary>
/// <remarks>Threads: any, except that <see cref="Port"/> is used by one at a time; the model sees to that.</remarks>
public abstract class PciDeviceHost
{
    /// <summary>The way to memory. Others attach and detach it at any time; a fault is a value.</summary>
    public abstract DmaPort Port { get; }

    /// <summary>Whether the driver allows the device to access memory. No DMA without it.</summary>
    public abstract bool IsBusMaster { get; }

    /// <summary>Whether messages are enabled: what the pin does, nobody sees then.</summary>
    public virtual bool UsesMessages => false;

    /// <summary>Sends a message of MSI-X or MSI, whichever the driver has enabled; a masked one becomes pending, and without either nothing happens.</summary>
    /// <param name="vector">The vector, from zero.</param>
    public abstract void RaiseMsi(int vector);

    /// <summary>Sets the level of the interrupt pin. The driver sees it unless it has disabled the pin or enabled messages.</summary>
    /// <param name="asserted">Whether the device wants attention.</param>
    public abstract void SetIntx(bool asserted);

    /// <summary>The memory of a mappable BAR, which a driver may write at the same time.</summary>
    /// <param name="bar">A mappable BAR.</param>
    /// <returns>All of it; empty for any other BAR.</returns>
    public abstract Span<byte> BarMemory(int bar);

    /// <summary>Tells the bus of an access that was refused: for the log and the metrics.</summary>
    /// <param name="fault">The fault.</param>
    public abstract void ReportFault(in Fault fault);
}
