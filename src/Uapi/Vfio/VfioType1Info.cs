using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What a container can do.</summary>
/// <remarks><c>struct vfio_iommu_type1_info</c>, the argument of VFIO_IOMMU_GET_INFO (include/uapi/linux/vfio.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioType1Info
{
    /// <summary><c>argsz</c>: the bytes of the argument.</summary>
    internal uint ArgSz;

    /// <summary><c>flags</c></summary>
    internal uint Flags;

    /// <summary><c>iova_pgsizes</c>: a bit for each size of page.</summary>
    internal ulong IovaPgSizes;

    /// <summary><c>cap_offset</c>: where the capabilities begin.</summary>
    internal uint CapOffset;

    /// <summary><c>pad</c>: unused.</summary>
    internal uint Pad;
}
