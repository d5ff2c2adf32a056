namespace FastIova;

/// <summary>The way to memory of a device that no IOMMU stands before: whoever offers the device copies for it.</summary>
/// <remarks>Threads: one at a time, as a port.</remarks>
internal abstract class PciEmulatedMemory
{
    /// <summary>Copies out of memory.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="buffer">Receives the bytes; those before a fault are valid.</param>
    /// <param name="fault">The fault that stopped it.</param>
    internal abstract bool Read(ulong iova, Span<byte> buffer, out Fault fault);

    /// <summary>Copies into memory.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="data">The bytes; those before a fault are written.</param>
    /// <param name="fault">The fault that stopped it.</param>
    internal abstract bool Write(ulong iova, ReadOnlySpan<byte> data, out Fault fault);

    /// <summary>Why an address cannot be accessed now.</summary>
    internal abstract Fault Explain(ulong iova, Permission access);
}
