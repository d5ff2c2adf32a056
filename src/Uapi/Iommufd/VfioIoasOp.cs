namespace FastIova;

/// <summary>What to do with the ioas of the VFIO calls (<c>enum iommufd_vfio_ioas_op</c>).</summary>
internal enum VfioIoasOp : ushort
{
    /// <summary><c>IOMMU_VFIO_IOAS_GET</c></summary>
    Get = 0,

    /// <summary><c>IOMMU_VFIO_IOAS_SET</c></summary>
    Set = 1,

    /// <summary><c>IOMMU_VFIO_IOAS_CLEAR</c></summary>
    Clear = 2,
}
