using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Invalidates what is cached of a nested hwpt.</summary>
/// <remarks><c>struct iommu_hwpt_invalidate</c>, the argument of IOMMU_HWPT_INVALIDATE (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwptInvalidateCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>hwpt_id</c></summary>
    internal uint HwptId;

    /// <summary><c>data_uptr</c>: a pointer to the entries.</summary>
    internal ulong DataUptr;

    /// <summary><c>data_type</c>: whose entries they are.</summary>
    internal uint DataType;

    /// <summary><c>entry_len</c>: bytes of one entry.</summary>
    internal uint EntryLen;

    /// <summary><c>entry_num</c>: in, how many; out, how many were done.</summary>
    internal uint EntryNum;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;
}
