using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Asks where an iova lies in memory.</summary>
/// <remarks><c>struct iommu_ioas_noiommu_get_pa</c>, the argument of IOMMU_IOAS_NOIOMMU_GET_PA (include/uapi/linux/iommufd.h, Linux 7.3).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct NoIommuGetPaCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>flags</c>: none exist.</summary>
    internal uint Flags;

    /// <summary><c>ioas_id</c>: the ioas.</summary>
    internal uint IoasId;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>iova</c>: the iova.</summary>
    internal ulong Iova;

    /// <summary><c>length</c>: in, the most bytes that are asked about; out, those that lie side by side.</summary>
    internal ulong Length;

    /// <summary><c>out_phys</c>: the physical address.</summary>
    internal ulong OutPhys;
}
