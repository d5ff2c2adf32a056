namespace FastIova;

/// <summary>What an option is about (<c>enum iommufd_option</c>).</summary>
internal enum OptionId : uint
{
    /// <summary><c>IOMMU_OPTION_RLIMIT_MODE</c>: whether locked memory is charged to the user (0) or to the process (1).</summary>
    RlimitMode = 0,

    /// <summary><c>IOMMU_OPTION_HUGE_PAGES</c>: whether an ioas may use large pages.</summary>
    HugePages = 1,
}
