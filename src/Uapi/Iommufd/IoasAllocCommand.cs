using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes an empty ioas.</summary>
/// <remarks><c>struct iommu_ioas_alloc</c>, the argument of IOMMU_IOAS_ALLOC (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IoasAllocCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c>: none exist.</summary>
    internal uint Flags;

    /// <summary><c>out_ioas_id</c>: the new ioas.</summary>
    internal uint OutIoasId;
}
