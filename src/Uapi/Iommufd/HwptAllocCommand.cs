using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes an hwpt.</summary>
/// <remarks><c>struct iommu_hwpt_alloc</c>, the argument of IOMMU_HWPT_ALLOC (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwptAllocCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c></summary>
    internal HwptAllocFlags Flags;

    /// <summary><c>dev_id</c>: for which device.</summary>
    internal uint DevId;

    /// <summary><c>pt_id</c>: an ioas, or the parent of a nested one.</summary>
    internal uint PtId;

    /// <summary><c>out_hwpt_id</c>: the new hwpt.</summary>
    internal uint OutHwptId;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>data_type</c>: see <see cref="HwptDataType"/>.</summary>
    internal uint DataType;

    /// <summary><c>data_len</c>: bytes.</summary>
    internal uint DataLen;

    /// <summary><c>data_uptr</c>: what the IOMMU needs to know, as the type says.</summary>
    internal ulong DataUptr;

    /// <summary><c>fault_id</c>: with <see cref="HwptAllocFlags.FaultIdValid"/>.</summary>
    internal uint FaultId;

    /// <summary><c>__reserved2</c>: zero.</summary>
    internal uint Reserved2;
}
