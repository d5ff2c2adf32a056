namespace FastIova;

/// <summary>The flags of GET_HW_INFO (<c>enum iommu_hw_info_flags</c>); none before 6.17.</summary>
[Flags]
internal enum HwInfoFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary><c>IOMMU_HW_INFO_FLAG_INPUT_TYPE</c>: the caller says which information it wants.</summary>
    InputType = 1 << 0,
}
