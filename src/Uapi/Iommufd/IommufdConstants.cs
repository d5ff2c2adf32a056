namespace FastIova;

/// <summary>Numbers of the interface that stand in no enumeration (include/uapi/linux/iommufd.h).</summary>
internal static class IommufdConstants
{
    /// <summary><c>IOMMUFD_CMD_BASE</c>: the lowest number of an ioctl; below are those of VFIO.</summary>
    internal const uint CommandFirst = 0x80;

    /// <summary><c>IOMMU_HWPT_DIRTY_TRACKING_ENABLE</c></summary>
    internal const uint DirtyTrackingEnable = 1 << 0;

    /// <summary><c>IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR</c></summary>
    internal const uint DirtyBitmapNoClear = 1 << 0;

    /// <summary>The most entries of one HWPT_INVALIDATE (Linux 7.2, and 6.12.117).</summary>
    internal const uint InvalidateEntriesLast = 1 << 19;
}
