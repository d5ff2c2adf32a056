using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Sets or gets the ioas that the VFIO calls act on.</summary>
/// <remarks><c>struct iommu_vfio_ioas</c>, the argument of IOMMU_VFIO_IOAS (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioIoasCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>ioas_id</c></summary>
    internal uint IoasId;

    /// <summary><c>op</c></summary>
    internal VfioIoasOp Op;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal ushort Reserved;
}
