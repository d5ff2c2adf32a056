namespace FastIova;

/// <summary>The behaviour of a device behind a PCI function: what its registers do.</summary>
/// <remarks>
/// Threads: <see cref="Connect"/> comes first and once; the calls after it come one at a time, from any thread. A model may have threads
/// of its own, which use the <see cref="PciDeviceHost"/> as they like.
/// Teardown: <see cref="IDisposable.Dispose"/> comes last, ends the threads of the model and never fails.
/// </remarks>
public interface IPciDeviceModel : IDisposable
{
    /// <summary>What the function looks like; does not change.</summary>
    PciFunctionLayout Layout { get; }

    /// <summary>Gives the model what it acts through.</summary>
    /// <param name="host">The host; outlives the model.</param>
    void Connect(PciDeviceHost host);

    /// <summary>A driver reads registers.</summary>
    /// <param name="bar">A BAR of the layout.</param>
    /// <param name="offset">Where, a multiple of the length.</param>
    /// <param name="data">Receives the value, little-endian: 1, 2, 4 or 8 bytes.</param>
    void ReadBar(int bar, ulong offset, Span<byte> data);

    /// <summary>A driver writes registers.</summary>
    /// <param name="bar">A BAR of the layout.</param>
    /// <param name="offset">Where, a multiple of the length.</param>
    /// <param name="data">The value, little-endian: 1, 2, 4 or 8 bytes.</param>
    void WriteBar(int bar, ulong offset, ReadOnlySpan<byte> data);

    /// <summary>Puts the device into the state in which it was made. When this returns, no DMA of the time before goes on.</summary>
    void Reset();

    /// <summary>Says whether a driver has a mappable BAR mapped, and so writes to its memory without a call: the model has to look.</summary>
    /// <param name="bar">A mappable BAR.</param>
    /// <param name="isMapped">Whether it is mapped from now on.</param>
    void BarMapped(int bar, bool isMapped)
    {
    }
}
