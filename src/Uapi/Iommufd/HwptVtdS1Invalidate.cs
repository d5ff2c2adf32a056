using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>One invalidation of a first-stage table of Intel VT-d.</summary>
/// <remarks><c>struct iommu_hwpt_vtd_s1_invalidate</c> (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwptVtdS1Invalidate
{
    /// <summary><c>addr</c></summary>
    internal ulong Addr;

    /// <summary><c>npages</c>: all ones for everything.</summary>
    internal ulong NPages;

    /// <summary><c>flags</c>: 1 for leaves only.</summary>
    internal uint Flags;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;
}
