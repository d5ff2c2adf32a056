using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes a queue for the events of a virtual IOMMU.</summary>
/// <remarks><c>struct iommu_veventq_alloc</c>, the argument of IOMMU_VEVENTQ_ALLOC (include/uapi/linux/iommufd.h, Linux 6.15).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VeventqAllocCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c>: none exist.</summary>
    internal uint Flags;

    /// <summary><c>viommu_id</c>: the virtual IOMMU.</summary>
    internal uint ViommuId;

    /// <summary><c>type</c>: which events.</summary>
    internal uint Type;

    /// <summary><c>veventq_depth</c>: the most events that wait.</summary>
    internal uint VeventqDepth;

    /// <summary><c>out_veventq_id</c>: the new queue.</summary>
    internal uint OutVeventqId;

    /// <summary><c>out_veventq_fd</c>: its file.</summary>
    internal uint OutVeventqFd;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;
}
