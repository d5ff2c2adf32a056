using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>How many more mappings are possible.</summary>
/// <remarks><c>struct vfio_iommu_type1_info_dma_avail</c> (include/uapi/linux/vfio.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioCapDmaAvail
{
    /// <summary><c>header</c></summary>
    internal VfioCapHeader Header;

    /// <summary><c>avail</c></summary>
    internal uint Avail;
}
