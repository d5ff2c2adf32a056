using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes a fault queue.</summary>
/// <remarks><c>struct iommu_fault_alloc</c>, the argument of IOMMU_FAULT_QUEUE_ALLOC (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct FaultAllocCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c>: none exist.</summary>
    internal uint Flags;

    /// <summary><c>out_fault_id</c>: the new fault queue.</summary>
    internal uint OutFaultId;

    /// <summary><c>out_fault_fd</c>: its file.</summary>
    internal uint OutFaultFd;
}
