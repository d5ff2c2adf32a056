namespace FastIova;

/// <summary>Which release of Linux the control plane answers as.</summary>
public enum UapiLevel
{
    /// <summary>Linux 6.12: what came later does not exist.</summary>
    Linux612 = 612,

    /// <summary>
    /// Linux 6.12 with three later answers that the tests in Debian's source of 6.12.117 ask for: the type of hardware information
    /// as an input, mock devices with PASIDs, and the width of those. For these tests only.
    /// </summary>
    Linux612Backports = 613,

    /// <summary>The newest release that is implemented.</summary>
    Latest = 703,
}

/// <summary>What an engine is made of.</summary>
public sealed record EngineOptions
{
    /// <summary>Which release of Linux it answers as.</summary>
    public UapiLevel Level { get; init; } = UapiLevel.Latest;

    /// <summary>Whether the ioctl of the kernel's own tests (IOMMU_TEST_CMD) exists.</summary>
    public bool TestBackend { get; init; }

    /// <summary>
    /// How many bytes the clients of the engine may have locked by pins, each as Linux counts it for a user or a process, in the place of their
    /// own limits; <see cref="long.MaxValue"/> for any number. Null, which is the default: RLIMIT_MEMLOCK of the client, as Linux does.
    /// </summary>
    /// <remarks>A client with CAP_IPC_LOCK has no limit, as in Linux. The engine locks no memory: it counts what Linux would count, for programs that expect its answer.</remarks>
    public long? LockedMemoryBytes { get; init; }

    /// <summary>The same in pages; null where the client's own limit counts.</summary>
    internal long? LockLimitPages => LockedMemoryBytes is { } bytes and < long.MaxValue ? bytes >> Frame.PageLg2 : LockedMemoryBytes;

    /// <summary>Is told of every mapping and translation; null for nobody.</summary>
    internal IDmaRecorder? Recorder { get; init; }

    /// <summary>
    /// Whether <c>/dev/vfio/vfio</c> is VFIO's own container, with its type 1 mappings (CONFIG_VFIO_CONTAINER); otherwise it is an
    /// iommufd that answers the container's calls (CONFIG_IOMMUFD_VFIO_CONTAINER). An iommufd can be the container of a group either way.
    /// </summary>
    public bool StrictType1 { get; init; }

    /// <summary>How many mappings a container of type 1 can have (the parameter dma_entry_limit of its module).</summary>
    internal uint DmaEntryLimit { get; init; } = ushort.MaxValue;
}
