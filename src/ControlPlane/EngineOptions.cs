namespace FastIova;

/// <summary>Which release of Linux the control plane answers as.</summary>
public enum UapiLevel
{
    /// <summary>Linux 6.12: what came later does not exist.</summary>
    Linux612 = 612,

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
}
