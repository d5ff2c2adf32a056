using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Maps memory of the caller.</summary>
/// <remarks><c>struct vfio_iommu_type1_dma_map</c>, the argument of VFIO_IOMMU_MAP_DMA (include/uapi/linux/vfio.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaMap
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>vaddr</c></summary>
    internal ulong Vaddr;

    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>size</c></summary>
    internal ulong Bytes;
}
