using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Takes areas away.</summary>
/// <remarks><c>struct iommu_ioas_unmap</c>, the argument of IOMMU_IOAS_UNMAP (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IoasUnmapCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>ioas_id</c></summary>
    internal uint IoasId;

    /// <summary><c>iova</c>: the first address.</summary>
    internal ulong Iova;

    /// <summary><c>length</c>: in, bytes; out, the bytes that were mapped.</summary>
    internal ulong Length;
}
