namespace FastIova;

/// <summary>What to do with an option (<c>enum iommufd_option_ops</c>).</summary>
internal enum OptionOp : ushort
{
    /// <summary><c>IOMMU_OPTION_OP_SET</c></summary>
    Set = 0,

    /// <summary><c>IOMMU_OPTION_OP_GET</c></summary>
    Get = 1,
}
