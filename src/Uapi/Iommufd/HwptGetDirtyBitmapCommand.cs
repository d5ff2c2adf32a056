using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Asks which pages were written.</summary>
/// <remarks><c>struct iommu_hwpt_get_dirty_bitmap</c>, the argument of IOMMU_HWPT_GET_DIRTY_BITMAP (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwptGetDirtyBitmapCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>hwpt_id</c></summary>
    internal uint HwptId;

    /// <summary><c>flags</c>: 1 leaves the marks.</summary>
    internal uint Flags;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>iova</c>: the first address.</summary>
    internal ulong Iova;

    /// <summary><c>length</c>: bytes.</summary>
    internal ulong Length;

    /// <summary><c>page_size</c>: the bytes that one bit stands for.</summary>
    internal ulong PageSize;

    /// <summary><c>data</c>: a pointer to the bitmap, in words of 64 bits.</summary>
    internal ulong Data;
}
