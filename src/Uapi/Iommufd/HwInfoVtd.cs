using System.Runtime.InteropServices;

namespace FastIova;

/// <summary>What an Intel VT-d unit can do.</summary>
/// <remarks><c>struct iommu_hw_info_vtd</c> (include/uapi/linux/iommufd.h, Linux 6.12).</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct HwInfoVtd
{
    /// <summary><c>flags</c>: errata.</summary>
    internal uint Flags;

    /// <summary><c>__reserved</c>: zero.</summary>
    internal uint Reserved;

    /// <summary><c>cap_reg</c></summary>
    internal ulong CapReg;

    /// <summary><c>ecap_reg</c></summary>
    internal ulong EcapReg;
}
