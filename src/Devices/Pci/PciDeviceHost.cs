namespace FastIova;

/// <summary>What a device model acts through: memory, interrupts, and the bus that sees its faults.</summary>
/// <remarks>Threads: any, except that <see cref="Port"/> is used by one at a time; the model sees to that.</remarks>
public abstract class PciDeviceHost
{
    /// <summary>The way to memory. Others attach and detach it at any time; a fault is a value.</summary>
    public abstract DmaPort Port { get; }

    /// <summary>
    /// Whether no IOMMU stands before the device: <see cref="Port"/> leads nowhere then, and <see cref="ReadMemory"/> and
    /// <see cref="WriteMemory"/> are the way. A model that uses these alone need not ask.
    /// </summary>
    public virtual bool IsEmulated => false;

    /// <summary>Whether the driver allows the device to access memory. No DMA without it.</summary>
    public abstract bool IsBusMaster { get; }

    /// <summary>The virtual machine that the driver belongs to, as it has named itself before it opened the device; null without.</summary>
    public virtual object? VirtualMachine => null;

    /// <summary>Whether messages are enabled: what the pin does, nobody sees then.</summary>
    public virtual bool UsesMessages => false;

    /// <summary>Reads memory as the device sees it, through the port or without one. For the thread that uses <see cref="Port"/>.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="buffer">Receives the bytes; those before a fault are valid.</param>
    /// <param name="fault">The fault that stopped it.</param>
    /// <returns>False on a fault.</returns>
    public virtual bool ReadMemory(ulong iova, Span<byte> buffer, out Fault fault) => Port.Read(iova, buffer, out fault);

    /// <summary>Writes memory as the device does, through the port or without one. For the thread that uses <see cref="Port"/>.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="data">The bytes; those before a fault are written.</param>
    /// <param name="fault">The fault that stopped it.</param>
    /// <returns>False on a fault.</returns>
    public virtual bool WriteMemory(ulong iova, ReadOnlySpan<byte> data, out Fault fault) => Port.Write(iova, data, out fault);

    /// <summary>Why an address cannot be accessed now.</summary>
    /// <param name="iova">Any address.</param>
    /// <param name="access">What the device wants to do.</param>
    /// <returns>The fault; its reason is <see cref="FaultReason.None"/> when it can.</returns>
    public virtual Fault ExplainMemory(ulong iova, Permission access) => Port.Explain(iova, access);

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
