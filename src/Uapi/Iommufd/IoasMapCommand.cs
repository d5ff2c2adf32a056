using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Maps memory of the caller.</summary>
/// <remarks><c>struct iommu_ioas_map</c>, the argument of IOMMU_IOAS_MAP (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IoasMapCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c></summary>
    internal IoasMapFlags Flags;

    /// <summary><c>ioas_id</c></summary>
    internal uint IoasId;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>user_va</c>: the first byte in the caller.</summary>
    internal ulong UserVa;

    /// <summary><c>length</c>: bytes.</summary>
    internal ulong Length;

    /// <summary><c>iova</c>: in with <see cref="IoasMapFlags.FixedIova"/>, out always.</summary>
    internal ulong Iova;
}
