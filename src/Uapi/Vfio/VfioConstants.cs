namespace FastIova;

/// <summary>Flags and identifiers of the container calls (include/uapi/linux/vfio.h).</summary>
internal static class VfioConstants
{
    /// <summary><c>VFIO_API_VERSION</c></summary>
    internal const int ApiVersion = 0;

    /// <summary><c>VFIO_DMA_MAP_FLAG_READ</c></summary>
    internal const uint MapRead = 1 << 0;

    /// <summary><c>VFIO_DMA_MAP_FLAG_WRITE</c></summary>
    internal const uint MapWrite = 1 << 1;

    /// <summary><c>VFIO_DMA_MAP_FLAG_VADDR</c></summary>
    internal const uint MapVaddr = 1 << 2;

    /// <summary><c>VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP</c></summary>
    internal const uint UnmapGetDirty = 1 << 0;

    /// <summary><c>VFIO_DMA_UNMAP_FLAG_ALL</c></summary>
    internal const uint UnmapAll = 1 << 1;

    /// <summary><c>VFIO_DMA_UNMAP_FLAG_VADDR</c></summary>
    internal const uint UnmapVaddr = 1 << 2;

    /// <summary><c>VFIO_IOMMU_DIRTY_PAGES_FLAG_START</c></summary>
    internal const uint DirtyStart = 1 << 0;

    /// <summary><c>VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP</c></summary>
    internal const uint DirtyStop = 1 << 1;

    /// <summary><c>VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP</c></summary>
    internal const uint DirtyGet = 1 << 2;

    /// <summary><c>VFIO_IOMMU_INFO_PGSIZES</c></summary>
    internal const uint InfoPageSizes = 1 << 0;

    /// <summary><c>VFIO_IOMMU_INFO_CAPS</c></summary>
    internal const uint InfoCaps = 1 << 1;

    /// <summary><c>VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE</c></summary>
    internal const ushort CapIovaRange = 1;

    /// <summary><c>VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION</c></summary>
    internal const ushort CapMigration = 2;

    /// <summary><c>VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL</c></summary>
    internal const ushort CapDmaAvail = 3;
}
