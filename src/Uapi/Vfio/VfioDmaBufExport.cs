using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Which region becomes a dma-buf; ranges of it follow.</summary>
/// <remarks><c>struct vfio_device_feature_dma_buf</c> (include/uapi/linux/vfio.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaBufExport
{
    /// <summary><c>region_index</c></summary>
    internal uint RegionIndex;

    /// <summary><c>open_flags</c></summary>
    internal uint OpenFlags;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>nr_ranges</c></summary>
    internal uint NrRanges;
}
