namespace FastIova;

/// <summary>The flags of IOAS_MAP and IOAS_COPY (<c>enum iommufd_ioas_map_flags</c>).</summary>
[Flags]
internal enum IoasMapFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary><c>IOMMU_IOAS_MAP_FIXED_IOVA</c>: the caller chooses the iova.</summary>
    FixedIova = 1 << 0,

    /// <summary><c>IOMMU_IOAS_MAP_WRITEABLE</c>: devices may write.</summary>
    Writeable = 1 << 1,

    /// <summary><c>IOMMU_IOAS_MAP_READABLE</c>: devices may read.</summary>
    Readable = 1 << 2,
}
