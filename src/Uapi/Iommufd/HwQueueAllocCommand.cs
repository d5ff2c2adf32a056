using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Gives a virtual IOMMU a queue in memory of the guest.</summary>
/// <remarks><c>struct iommu_hw_queue_alloc</c>, the argument of IOMMU_HW_QUEUE_ALLOC (include/uapi/linux/iommufd.h, Linux 6.17).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwQueueAllocCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c>: none exist.</summary>
    internal uint Flags;

    /// <summary><c>viommu_id</c>: the virtual IOMMU.</summary>
    internal uint ViommuId;

    /// <summary><c>type</c>: what queue.</summary>
    internal uint Type;

    /// <summary><c>index</c>: which of them.</summary>
    internal uint Index;

    /// <summary><c>out_hw_queue_id</c>: the new queue.</summary>
    internal uint OutHwQueueId;

    /// <summary><c>nesting_parent_iova</c>: where it lies.</summary>
    internal ulong NestingParentIova;

    /// <summary><c>length</c>: bytes.</summary>
    internal ulong Length;
}
