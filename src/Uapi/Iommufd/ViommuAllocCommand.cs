using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Makes a virtual IOMMU.</summary>
/// <remarks><c>struct iommu_viommu_alloc</c>, the argument of IOMMU_VIOMMU_ALLOC (include/uapi/linux/iommufd.h, Linux 6.13; data since 6.17).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct ViommuAllocCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c>: none exist.</summary>
    internal uint Flags;

    /// <summary><c>type</c>: what it is; one that the driver of the IOMMU knows.</summary>
    internal uint Type;

    /// <summary><c>dev_id</c>: a device behind the IOMMU.</summary>
    internal uint DevId;

    /// <summary><c>hwpt_id</c>: the hwpt that guests nest on.</summary>
    internal uint HwptId;

    /// <summary><c>out_viommu_id</c>: the new virtual IOMMU.</summary>
    internal uint OutViommuId;

    /// <summary><c>data_len</c>: bytes of the data of the driver.</summary>
    internal uint DataLen;

    /// <summary><c>__reserved</c>: not looked at.</summary>
    internal uint Reserved;

    /// <summary><c>data_uptr</c>: the data of the driver, in and out.</summary>
    internal ulong DataUptr;
}
