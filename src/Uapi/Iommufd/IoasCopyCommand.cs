using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Maps what is mapped elsewhere, sharing its pages.</summary>
/// <remarks><c>struct iommu_ioas_copy</c>, the argument of IOMMU_IOAS_COPY (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IoasCopyCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c></summary>
    internal IoasMapFlags Flags;

    /// <summary><c>dst_ioas_id</c></summary>
    internal uint DstIoasId;

    /// <summary><c>src_ioas_id</c></summary>
    internal uint SrcIoasId;

    /// <summary><c>length</c>: bytes.</summary>
    internal ulong Length;

    /// <summary><c>dst_iova</c>: in with <see cref="IoasMapFlags.FixedIova"/>, out always.</summary>
    internal ulong DstIova;

    /// <summary><c>src_iova</c></summary>
    internal ulong SrcIova;
}
