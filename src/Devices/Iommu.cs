namespace FastIova;

/// <summary>What an <see cref="Iommu"/> is made of.</summary>
public sealed record IommuOptions
{
    /// <summary>How long an unmap waits for one reader before the reader is reported, and between reports.</summary>
    public TimeSpan StuckReaderAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Receives the reports, on the waiting thread. The unmap goes on waiting: giving up would break its promise.</summary>
    public Action<StuckReader>? OnStuckReader { get; init; }

    /// <summary>Is told of every mapping and translation; null for nobody.</summary>
    internal IDmaRecorder? Recorder { get; init; }
}

/// <summary>
/// A software IOMMU: domains that map I/O virtual addresses to memory of this process, and ports through which software
/// devices translate and access them.
/// </summary>
/// <remarks>
/// <para>Owns: the epoch that its domains and ports share, so that one port can be attached to several domains.</para>
/// <para>Threads: any.</para>
/// <para>Teardown: never fails; ports and domains that are still open keep what they need until they are disposed. No new ones
/// are made.</para>
/// </remarks>
public sealed class Iommu : IDisposable
{
    private readonly Epoch _epoch;

    /// <summary>Makes an IOMMU without domains and ports.</summary>
    /// <param name="options">Its options, or null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time to a report is not positive.</exception>
    public Iommu(IommuOptions? options = null)
    {
        options ??= new IommuOptions();
        if (options.StuckReaderAfter <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.StuckReaderAfter, "StuckReaderAfter must be longer than zero.");
        }

        Action<StuckReader>? told = options.OnStuckReader;
        _epoch = new Epoch(options.StuckReaderAfter, stuck =>
        {
            FastIovaEvents.Log.StuckReader(stuck.Reader, stuck.Waited.TotalSeconds);
            told?.Invoke(stuck);
        })
        { Recorder = options.Recorder };
        if (Metering.IsSupported)
        {
            IommuMeter.Start();
        }
    }

    /// <summary>The vector width of the translation loops: the widest of this machine, unless the environment variable <c>FASTIOVA_ISA</c> says <c>scalar</c>, <c>128</c>, <c>256</c> or <c>512</c>.</summary>
    /// <exception cref="PlatformNotSupportedException">The variable asks for what does not exist here.</exception>
    public static IsaWidth Isa => IsaChoice.Current;

    /// <summary>The ports that are open.</summary>
    public int OpenPorts => _epoch.OpenReaders;

    internal Epoch Epoch => _epoch;

    /// <summary>Reads what its ports and domains have counted.</summary>
    /// <returns>The counters.</returns>
    /// <remarks>Threads: any.</remarks>
    public IommuCounts ReadCounts() => new(_epoch.ReadCounts());

    /// <summary>Makes an empty address space.</summary>
    /// <param name="options">Its options, or null for the defaults.</param>
    /// <returns>The domain; dispose it after its ports.</returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The IOMMU is disposed.</exception>
    public Domain CreateDomain(DomainOptions? options = null) => new(_epoch, options ?? new DomainOptions());

    /// <summary>Opens a port, which one thread or device queue uses at a time.</summary>
    /// <param name="options">Its options, or null for the defaults.</param>
    /// <returns>The port, attached to nothing; dispose it when the device is gone.</returns>
    /// <exception cref="InvalidOperationException">4,096 ports are open already.</exception>
    /// <exception cref="ObjectDisposedException">The IOMMU is disposed.</exception>
    public DmaPort OpenPort(DmaPortOptions? options = null) => new(this, options ?? new DmaPortOptions());

    /// <inheritdoc/>
    public void Dispose() => _epoch.Dispose();
}
