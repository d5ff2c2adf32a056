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
}
