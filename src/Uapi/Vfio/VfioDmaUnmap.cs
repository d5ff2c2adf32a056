using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Takes mappings away.</summary>
/// <remarks><c>struct vfio_iommu_type1_dma_unmap</c>, the argument of VFIO_IOMMU_UNMAP_DMA (include/uapi/linux/vfio.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaUnmap
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>iova</c></summary>
    internal ulong Iova;

    /// <summary><c>size</c>: in and out.</summary>
    internal ulong Bytes;
}
