using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>Charges what is pinned to the caller from now on.</summary>
/// <remarks><c>struct iommu_ioas_change_process</c>, the argument of IOMMU_IOAS_CHANGE_PROCESS (include/uapi/linux/iommufd.h, Linux 6.14).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct IoasChangeProcessCommand
{
    /// <summary><c>size</c>: the bytes of the struct that the caller knows.</summary>
    internal uint Size;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;
}
