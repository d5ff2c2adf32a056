using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>A first-stage table of Intel VT-d.</summary>
/// <remarks><c>struct iommu_hwpt_vtd_s1</c> (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwptVtdS1
{
    /// <summary><c>flags</c>: SRE 1, EAFE 2, WPE 4.</summary>
    internal ulong Flags;

    /// <summary><c>pgtbl_addr</c>: where the table lies in the parent.</summary>
    internal ulong PgtblAddr;

    /// <summary><c>addr_width</c>: bits.</summary>
    internal uint AddrWidth;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;
}
